// SPDX-License-Identifier: Apache-2.0
/* Finds libarchive; archive_api.h says why at run time. */
#include "boot/archive_api.h"

#ifdef MVMM_STATIC

int archive_api_open(struct archive_api *api, struct error *err)
{
#define TAKE(name) api->name = archive_##name;
	ARCHIVE_API(TAKE)
#undef TAKE
	api->library = NULL;
	return 0;
}

void archive_api_close(struct archive_api *api)
{
}

#else

#include <dlfcn.h>
#include <errno.h>

/* The name with the version of the interface, so that no development package is needed. */
#define LIBRARY "libarchive.so.13"

int archive_api_open(struct archive_api *api, struct error *err)
{
	api->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!api->library)
		return error_set(err, ENOENT, "cannot load " LIBRARY " (%s)", dlerror());
#define FIND(name)                                                                                 \
	api->name = (__typeof__(api->name))dlsym(api->library, "archive_" #name);                  \
	if (!api->name) {                                                                          \
		archive_api_close(api);                                                            \
		return error_set(err, ENOENT, LIBRARY " has no function archive_" #name);          \
	}
	ARCHIVE_API(FIND)
#undef FIND
	return 0;
}

void archive_api_close(struct archive_api *api)
{
	dlclose(api->library);
	api->library = NULL;
}

#endif
