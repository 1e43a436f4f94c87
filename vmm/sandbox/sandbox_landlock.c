// SPDX-License-Identifier: Apache-2.0
/* Landlock's three system calls, which have no functions in libc. */
#include "vmm/sandbox/sandbox_landlock.h"

#include "vmm/base/array.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For headers that are older than the kernels that mvmm may run on. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* struct landlock_ruleset_attr of version 6; the kernel knows the version by the length. */
struct attributes {
	uint64_t fs, net, scoped;
};

#define VERSION_1 (LANDLOCK_ACCESS_FS_REFER - 1)

/* What each version of the interface added. */
static const struct {
	int version;
	struct attributes adds;
	size_t size; /* of the attributes that it knows */
} versions[] = {
	{ 1, { .fs = VERSION_1 }, 8 },
	{ 2, { .fs = LANDLOCK_ACCESS_FS_REFER }, 8 },
	{ 3, { .fs = LANDLOCK_ACCESS_FS_TRUNCATE }, 8 },
	{ 4, { .net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP }, 16 },
	{ 5, { .fs = LANDLOCK_ACCESS_FS_IOCTL_DEV }, 16 },
	{ 6, { .scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL }, 24 },
};

/* Sets all rights that this kernel can refuse. Returns the attributes' size, or -errno. */
static long find_attributes(struct attributes *ret)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	long size = 0;

	if (version < 0)
		return -errno;
	*ret = (struct attributes){ 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		if (versions[i].version > version)
			break;
		ret->fs |= versions[i].adds.fs;
		ret->net |= versions[i].adds.net;
		ret->scoped |= versions[i].adds.scoped;
		size = (long)versions[i].size;
	}
	return size;
}

int sandbox_landlock_new(void)
{
	struct attributes attributes;
	long size = find_attributes(&attributes), fd;

	if (size < 0)
		return (int)size;
	fd = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

int sandbox_landlock_allow(int rules_fd, int dir_fd, enum sandbox_right right)
{
	static const uint64_t rights[] = {
		[SANDBOX_REMOVE_FILES] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
		[SANDBOX_NAME_FILES] = LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG,
		[SANDBOX_OPEN_FILES] = LANDLOCK_ACCESS_FS_READ_FILE |
				       LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_TRUNCATE |
				       LANDLOCK_ACCESS_FS_REMOVE_FILE |
				       LANDLOCK_ACCESS_FS_IOCTL_DEV,
		[SANDBOX_SAVE_FILES] = LANDLOCK_ACCESS_FS_READ_FILE |
				       LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_TRUNCATE |
				       LANDLOCK_ACCESS_FS_REMOVE_FILE |
				       LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				       LANDLOCK_ACCESS_FS_REFER,
	};
	struct landlock_path_beneath_attr rule = { .parent_fd = dir_fd };
	struct attributes attributes = { .fs = 0 };
	long size = find_attributes(&attributes);

	if (size < 0)
		return (int)size;
	rule.allowed_access = rights[right] & attributes.fs;
	return syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? -errno
		       : 0;
}

int sandbox_landlock_enforce(int rules_fd)
{
	return syscall(SYS_landlock_restrict_self, rules_fd, 0) < 0 ? -errno : 0;
}
