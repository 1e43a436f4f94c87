// SPDX-License-Identifier: Apache-2.0
/* Takes a path apart: its directory, and its name there. */
#include "vmm/base/parent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int parent_directory_open(const char *path, int access)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int fd;

	if (slash && (size_t)(slash - path) + 2 > sizeof(dir))
		return -ENAMETOOLONG;
	/* With the slash, because that is all of the root directory's name. */
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	fd = open(dir, access | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

const char *parent_directory_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool parent_directory_has(int dir_fd, const char *name, int fd)
{
	struct stat named, own;

	return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &own) == 0 &&
	       named.st_dev == own.st_dev && named.st_ino == own.st_ino;
}
