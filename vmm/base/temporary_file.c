// SPDX-License-Identifier: Apache-2.0
/* Makes files with random names. */
#include "vmm/base/temporary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int temporary_file_open(int dir_fd, const char *prefix, mode_t mode, char *ret_name, size_t size)
{
	uint64_t number;
	int fd;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -errno;
	if ((size_t)snprintf(ret_name, size, "%s.%016" PRIx64, prefix, number) >= size)
		return -ENAMETOOLONG;
	fd = openat(dir_fd, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}
