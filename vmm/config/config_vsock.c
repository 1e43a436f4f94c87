// SPDX-License-Identifier: Apache-2.0
/* --vsock. */
#include "vmm/config/config_vsock.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/keyval.h"
#include "vmm/host/vsock_unix.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 2
/* The first that is nobody else's (section 5.10.4); each guest sees only its own. */
#define CID_DEFAULT (VMADDR_CID_HOST + 1)

static int set_path(struct config *config, const char *path, struct error *err)
{
	if (file_argument_is_fd(path))
		return error_set(err, EINVAL,
				 "--vsock path=%s: cannot be a descriptor, as the paths for the "
				 "guest's connections are made of it; a file of this name is ./%s",
				 path, path);
	if (strlen(path) > VSOCK_UNIX_PATH_MAX)
		return error_set(err, EINVAL,
				 "--vsock path=%s: is longer than %zu bytes; change to its "
				 "directory and give a relative one",
				 path, VSOCK_UNIX_PATH_MAX);
	config->vsock_path = strdup(path);
	return config->vsock_path ? 0 : error_set(err, ENOMEM, "--vsock: out of memory");
}

static int set_key(struct config *config, const struct keyval *kv, struct error *err)
{
	uint64_t cid;

	if (strcmp(kv->key, "path") == 0)
		return set_path(config, kv->value, err);
	if (strcmp(kv->key, "cid") != 0)
		return error_set(err, EINVAL,
				 "--vsock %s=%s: unknown key; there are path=SOCKET and cid=N",
				 kv->key, kv->value);
	if (keyval_number(kv->value, &cid) < 0 || cid < CID_DEFAULT || cid >= VMADDR_CID_ANY)
		return error_set(err, EINVAL, "--vsock cid=%s: must be a number from %u to %u",
				 kv->value, CID_DEFAULT, VMADDR_CID_ANY - 1);
	config->vsock_cid = (uint32_t)cid;
	return 0;
}

int config_set_vsock(struct config *config, const char *value, struct error *err)
{
	struct keyval list[MAX_KEYS];
	char *copy = strdup(value);
	int n, ret = 0;

	if (!copy)
		return error_set(err, ENOMEM, "--vsock %s: out of memory", value);
	config->vsock_cid = CID_DEFAULT;
	n = keyval_parse(copy, "--vsock", "path", list, MAX_KEYS, err);
	if (n < 0)
		ret = n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(config, &list[i], err);
	if (ret == 0 && !config->vsock_path)
		ret = error_set(err, EINVAL, "--vsock %s: path=SOCKET is missing", value);
	free(copy);
	return ret;
}

void config_fini_vsock(struct config *config)
{
	free(config->vsock_path);
	config->vsock_path = NULL;
}
