// SPDX-License-Identifier: Apache-2.0
/* Calls write(2) until everything is written. */
#include "vmm/file_write.h"

#include <errno.h>
#include <unistd.h>

int file_write_all(int fd, const void *data, size_t size)
{
	const char *rest = data;

	while (size) {
		ssize_t n = write(fd, rest, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest += n;
		size -= (size_t)n;
	}
	return 0;
}
