/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a saved VM as a sparse file, in which memory_table.h says what is where. Its pages
 * lie as they lay in guest memory, so it is mapped and not read. Pages of zeroes are holes. Of a
 * disk it has some pages only (own_pages.h).
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/snapshot/memory_table.h"

#include <stdint.h>

struct own_pages;

/* The memory of one part of a table. */
struct memory_source {
	const uint8_t *host; /* guest memory, borrowed; at a page */
	/* Borrowed: the file that is mapped there, whole or below private pages. -1: anonymous
	 * memory, where what was never touched is zero. */
	int base_fd;
	uint64_t base_offset; /* of the file's byte that is at host; a multiple of a page */
	uint64_t base_size;   /* how many bytes of the part the file had when it was mapped */
	/* Borrowed: the only pages that are written. NULL: all. */
	const struct own_pages *only;
	/* Borrowed: pages that are mapped from another file, above base_fd. NULL: none. */
	const struct own_pages *mapped;
};

/*
 * Makes @fd the memory file of @table: empties it, gives it its size, and writes what the sources
 * have, sources[i] for part i. Of anonymous memory and of private pages it reads what
 * private_pages_open's @pagemap_fd lists; of files also their data. So it brings no page into
 * memory that was never touched. Nobody may change the memory meanwhile, or the file has some of
 * either state. Puts how many bytes it wrote into *@ret_written. Takes long, and waits for storage;
 * it does not sync.
 *
 * -errno with @err set, which begins with @what; then the file has a part. guarded_copy_init must
 * have been called if a source has a file: one that was truncated is an error then (-EIO, -EFAULT).
 */
int memory_file_write(int fd, const struct memory_table *table, const struct memory_source *sources,
		      int pagemap_fd, const char *what, uint64_t *ret_written, struct error *err);

/*
 * Checks that @fd is a regular file or memfd of exactly @table's size. Lock it first (file_lock.h),
 * since truncating it later faults in whoever has mapped it. -EINVAL with @err set.
 */
int memory_file_check(int fd, const struct memory_table *table, const char *what,
		      struct error *err);

/*
 * Maps @part of the checked file @fd, which need not be open for writing: what is stored there is
 * this process's own. At @at, over what is mapped there, or at any address if that is NULL. It
 * counts against no limit on memory until it is stored to. The caller unmaps it. -errno with @err
 * set.
 */
int memory_file_map(int fd, const struct memory_part *part, void *at, const char *what,
		    void **ret_host, struct error *err);
