// SPDX-License-Identifier: Apache-2.0
/* Opening the directory of a path. */
#include "vmm/base/parent_directory.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_is(int fd, const char *directory)
{
	struct stat have, want;

	cr_assert(fd >= 0, "%s: %s", directory, strerror(-fd));
	cr_assert_eq(fstat(fd, &have), 0);
	cr_assert_eq(stat(directory, &want), 0);
	check_eq(have.st_ino, want.st_ino);
	check_eq(have.st_dev, want.st_dev);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

Test(parent_directory, is_what_is_before_the_last_slash)
{
	check_is(parent_directory_open("/dev/none", O_RDONLY), "/dev");
	check_is(parent_directory_open("/none", O_PATH), "/");
	check_is(parent_directory_open("none", O_PATH), ".");
	check_is(parent_directory_open("./none", O_RDONLY), ".");
}

Test(parent_directory, of_what_is_no_directory_or_too_long)
{
	char path[PATH_MAX + 8];

	check_eq(parent_directory_open("/dev/null/none", O_PATH), -ENOTDIR);
	memset(path, 'x', sizeof(path));
	path[PATH_MAX - 1] = '/';
	path[sizeof(path) - 1] = '\0';
	check_eq(parent_directory_open(path, O_PATH), -ENAMETOOLONG);
}

Test(parent_directory, has_a_file_under_a_name)
{
	char path[] = "/tmp/mvmm-test-XXXXXX";
	int dir, fd;

	cr_assert(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "a", O_CREAT | O_WRONLY, 0600);
	check_eq(parent_directory_has(dir, "a", fd), true);
	check_eq(parent_directory_has(dir, ".", dir), true);
	check_eq(parent_directory_has(dir, "a", dir), false);
	check_eq(parent_directory_has(dir, "b", fd), false);
	check_eq(renameat(dir, "a", dir, "b"), 0);
	check_eq(symlinkat("b", dir, "a"), 0);
	check_eq(parent_directory_has(dir, "a", fd), false);
	check_eq(parent_directory_has(dir, "b", fd), true);
	unlinkat(dir, "a", 0);
	unlinkat(dir, "b", 0);
	check_eq(parent_directory_has(dir, "b", fd), false);
	close(fd);
	check_eq(parent_directory_has(dir, ".", fd), false);
	close(dir);
	check_eq(rmdir(path), 0);
}
