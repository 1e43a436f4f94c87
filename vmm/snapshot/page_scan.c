// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/snapshot/test_private_pages.c.
/* Asks the kernel for private pages. */
#include "vmm/snapshot/page_scan.h"

#include <errno.h>
#include <linux/fs.h>

/* Of which memory a page is: names of <linux/fs.h>. */
#define IS_FILE (1 << 2)
#define IS_PRESENT (1 << 3)
#define IS_SWAPPED (1 << 4)

#ifdef PAGEMAP_SCAN
_Static_assert(PAGE_SCAN == PAGEMAP_SCAN &&
		       sizeof(struct page_scan_arg) == sizeof(struct pm_scan_arg) &&
		       IS_FILE == PAGE_IS_FILE && IS_PRESENT == PAGE_IS_PRESENT &&
		       IS_SWAPPED == PAGE_IS_SWAPPED,
	       "as the header has them");
#endif

int page_scan(int fd, uint64_t start, uint64_t end, struct page_scan_region *ret_regions,
	      unsigned max, uint64_t *ret_end)
{
	struct page_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uintptr_t)ret_regions,
		.vec_len = max,
		/* Not of a file, and there or swapped out. */
		.category_inverted = IS_FILE,
		.category_mask = IS_FILE,
		.category_anyof_mask = IS_PRESENT | IS_SWAPPED,
		.return_mask = IS_PRESENT | IS_SWAPPED,
	};
	int n;

	do {
		n = ioctl(fd, PAGE_SCAN, &arg);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_end = arg.walk_end;
	return n;
}
