/* SPDX-License-Identifier: Apache-2.0 */
/* The partitions of a disk image, as Linux numbers them. Nothing in the image is trusted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PARTITIONS_MAX 128

/* What the type in the table says. */
enum partition_use {
	PARTITION_OTHER,
	PARTITION_NOT_ROOT, /* a boot, swap or EFI partition, whatever it contains */
	PARTITION_LINUX,    /* "Linux filesystem" */
	PARTITION_ROOT,	    /* the Discoverable Partitions Specification's root for x86-64 */
};

struct partition {
	unsigned number; /* the N of pmem0pN */
	uint64_t start;	 /* bytes; with size, within the disk */
	uint64_t size;	 /* bytes, not 0 */
	enum partition_use use;
};

struct partition_table {
	struct partition partition[PARTITIONS_MAX]; /* in the table's order */
	unsigned count;				    /* 0 where there is no table */
};

/* Reads the table of the disk of @size bytes behind @fd. -errno of reading the first bytes. */
int partitions_read(int fd, uint64_t size, struct partition_table *ret_table);
