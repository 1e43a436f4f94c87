/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the root file system in a disk image, so that nobody has to write root=/dev/pmem0p1
 * rootflags=dax=always by hand. Never writes, and trusts nothing in the image.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct root_disk {
	unsigned partition; /* as the kernel numbers them; 0 for the whole disk */
	const char *fs;	    /* "ext2", "ext3", "ext4", "xfs", "erofs", "squashfs" or NULL; static */
	bool dax;	    /* mounts with dax=always in the guest */
	const char *no_dax; /* why it does not; static, or NULL */
	unsigned others;    /* how many other partitions are as likely to be the root */
	const char *is;	    /* what the file is if it is not a raw image (file_magic.h), or NULL */
};

/*
 * Looks at the @size bytes behind @fd, a file or block device open for reading, by pread alone. A
 * file system that is not known is no failure: @ret_disk then names the most likely place and no
 * fs. Returns -errno if the first bytes cannot be read.
 *
 * Sees GPT partitions and the four primary ones of an MBR, with sectors of 512 bytes as pmem has
 * them. A root file system in a logical partition must be named by hand.
 */
int root_disk_probe(int fd, uint64_t size, struct root_disk *ret_disk);

/* Room for what root_disk_args writes. */
#define ROOT_DISK_ARGS_MAX 128

/*
 * Writes the kernel arguments to mount @disk, the pmem disk number @index, as root: root=, ro or
 * rw, rootfstype= and rootflags=. @readonly says that nothing may be written to it, not even by
 * the replay of a journal.
 */
void root_disk_args(const struct root_disk *disk, unsigned index, bool readonly,
		    char buf[ROOT_DISK_ARGS_MAX]);
