// SPDX-License-Identifier: Apache-2.0
/* Files whose names nobody can foresee. */
#include "vmm/base/temporary_file.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(temporary_file, .timeout = 10);

Test(temporary_file, names_differ)
{
	char dir[] = "/tmp/mvmm-test-XXXXXX", names[2][NAME_MAX + 1];
	int dir_fd = mkdtemp(dir) ? open(dir, O_PATH | O_DIRECTORY) : -1;

	cr_assert(dir_fd >= 0);
	for (unsigned i = 0; i < 2; i++) {
		int fd = temporary_file_open(dir_fd, ".r", 0600, names[i], sizeof(names[i]));
		struct stat st;

		cr_assert(fd >= 0);
		check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		check_eq(write(fd, "x", 1), 1);
		check_eq(fstatat(dir_fd, names[i], &st, 0), 0);
		check_eq(st.st_mode, S_IFREG | 0600);
		check_eq(strlen(names[i]), strlen(".r.") + 16);
		check_eq(unlinkat(dir_fd, names[i], 0), 0);
		close(fd);
	}
	cr_assert(strcmp(names[0], names[1]) != 0);
	rmdir(dir);
	check_eq(temporary_file_open(dir_fd, ".r", 0600, names[0], sizeof(names[0])), -ENOENT);
	check_eq(temporary_file_open(dir_fd, ".r", 0600, names[0], 19), -ENAMETOOLONG);
}
