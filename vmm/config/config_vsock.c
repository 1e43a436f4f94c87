// SPDX-License-Identifier: Apache-2.0
/* --vsock. */
#include "vmm/config/config_options.h"

#include "vmm/base/file_argument.h"
#include "vmm/host/vsock_unix.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <stddef.h>
#include <string.h>

/* The first number that is not reserved (section 5.10.4). Guests can all have the same. */
#define CID_DEFAULT (VMADDR_CID_HOST + 1)

static int check_path(void *member, const struct keyval *given, struct error *why)
{
	const char *path = given->value;

	if (file_argument_is_fd(path))
		return error_set(
			why, EINVAL,
			"cannot be a descriptor, because mvmm makes the paths for the guest's "
			"connections from it; for a file of this name give ./%s",
			path);
	if (strlen(path) > VSOCK_UNIX_PATH_MAX)
		return error_set(why, EINVAL,
				 "is longer than %zu bytes; change to its directory and give a "
				 "relative one",
				 VSOCK_UNIX_PATH_MAX);
	return 0;
}

const struct property config_vsock_properties[] = {
	{ "path", PROPERTY_NAME, offsetof(struct config, vsock_path), .check = check_path,
	  .required = true },
	{ "cid", PROPERTY_NUMBER, offsetof(struct config, vsock_cid),
	  "must be a number from 3 to 4294967294", .min = CID_DEFAULT, .max = VMADDR_CID_ANY - 1 },
	PROPERTY_END("are path=SOCKET and cid=N"),
};

int config_set_vsock(struct config *config, const struct config_keys *keys, struct error *err)
{
	int ret;

	if (!config->restore.where)
		config->vsock_cid = CID_DEFAULT;
	else if (!config->vsock_path)
		return error_set(err, EINVAL,
				 "--vsock %s: the VM was saved without --vsock; leave it out",
				 keys->given);
	ret = property_fill(config_vsock_properties, config, keys->list, keys->n, keys->option,
			    err);
	if (ret == 0 && !config->vsock_path)
		ret = error_set(err, EINVAL, "--vsock %s: path=SOCKET is missing", keys->given);
	return ret;
}
