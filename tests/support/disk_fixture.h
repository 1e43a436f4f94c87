/* SPDX-License-Identifier: Apache-2.0 */
/* Disk images for the tests of root_disk.c and what it uses: in memory, filled by the real tools.
 */
#pragma once

#include "tests/support/boot_fixture.h"

/* @size bytes of zeroes, as a file that tools can open by its path. */
static inline struct fixture_file disk_new(uint64_t size)
{
	struct fixture_file f = fixture_file("", 0);

	cr_assert_eq(ftruncate(f.fd, (off_t)size), 0);
	return f;
}

/* Partitions @disk by a script for sfdisk. */
static inline void disk_partition(const struct fixture_file *disk, const char *script)
{
	char output[FIXTURE_OUTPUT];
	char command[1024];

	snprintf(command, sizeof(command),
		 "printf '%s' | sfdisk --no-reread --no-tell-kernel -q %s", script, disk->path);
	FIXTURE_RUN(output, "sh", "-c", command);
}

/* Copies @len bytes of @from to @disk at @off. */
static inline void disk_copy(const struct fixture_file *disk, uint64_t off,
			     const struct fixture_file *from, size_t len)
{
	static uint8_t buf[16384];

	cr_assert(len <= sizeof(buf));
	cr_assert_eq(pread(from->fd, buf, len, 0), (ssize_t)len);
	cr_assert_eq(pwrite(disk->fd, buf, len, (off_t)off), (ssize_t)len);
}
