/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAGEMAP_SCAN, by which Linux 6.7 and newer list private pages without a word for each page that
 * is not there: of a large and mostly untouched mapping in microseconds.
 */
#pragma once

#include <stdint.h>
#include <sys/ioctl.h>

/* As <linux/fs.h> has them from 6.7 on. */
struct page_scan_region {
	uint64_t start, end, categories;
};

struct page_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGE_SCAN _IOWR('f', 16, struct page_scan_arg)

/*
 * Lists the first private pages from @start up to @end, addresses of this process, in ascending
 * order, in up to @max @ret_regions. @fd is /proc/self/pagemap. Returns how many regions there are;
 * *@ret_end is how far the kernel looked. -ENOTTY: this kernel cannot; or other -errno.
 */
int page_scan(int fd, uint64_t start, uint64_t end, struct page_scan_region *ret_regions,
	      unsigned max, uint64_t *ret_end);
