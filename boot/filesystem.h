/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises the file systems that a guest can have as root, by their superblocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct filesystem {
	const char *name; /* "ext2", "ext3", "ext4", "xfs", "erofs", "squashfs"; static, or NULL */
	bool dax;	  /* can be mounted with dax=always on pages of 4 KiB */
	bool dax_whole_disk_only; /* but then not in a partition */
	const char *no_dax;	  /* why it cannot; static, or NULL */
	bool elsewhere; /* it was last mounted at /boot or another place where no root is */
	const char *is; /* what else it is (file_magic.h), or NULL */
};

/* Looks at the @size bytes at @start of @fd. What cannot be read is not recognised. */
void filesystem_probe(int fd, uint64_t start, uint64_t size, struct filesystem *ret_fs);
