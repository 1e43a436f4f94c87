// SPDX-License-Identifier: Apache-2.0
/* Reads /proc/self/pagemap. Start reading at private_pages_next, then at is_private. */
#include "vmm/snapshot/private_pages.h"

#include "vmm/base/layout.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* Bits of an entry. No header of the kernel has them; pagemap.rst does. */
#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)   /* or on its way from one page of the host to another */
#define FROM_FILE (1ULL << 61) /* or memory that is shared */

static bool is_private(uint64_t entry)
{
	return entry & SWAPPED || (entry & (PRESENT | FROM_FILE)) == PRESENT;
}

int private_pages_open(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void private_pages_init(struct private_pages *pages, int fd, const void *host, uint64_t size)
{
	assert((uintptr_t)host % LAYOUT_PAGE == 0 && size % LAYOUT_PAGE == 0);
	pages->fd = fd;
	pages->host = host;
	pages->pages = size / LAYOUT_PAGE;
	pages->first = pages->count = 0;
	pages->cannot_scan = false;
	pages->n_regions = pages->region = 0;
	pages->scanned = pages->last = 0;
}

static int read_window(struct private_pages *p, uint64_t page)
{
	uint64_t left = p->pages - page;
	uint64_t wanted = left < PRIVATE_PAGES_WINDOW ? left : PRIVATE_PAGES_WINDOW;
	uint64_t entry = (uintptr_t)p->host / LAYOUT_PAGE + page;
	ssize_t n;

	do
		n = pread(p->fd, p->window, wanted * sizeof(*p->window),
			  (off_t)(entry * sizeof(*p->window)));
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(*p->window))
		return n < 0 ? -errno : -EIO;
	p->first = page;
	p->count = (uint64_t)n / sizeof(*p->window);
	return 0;
}

/* Moves *@page to the first one that is private or not, as is @wanted, or to the end. */
static int find_page(struct private_pages *p, bool wanted, uint64_t *page)
{
	for (; *page < p->pages; ++*page) {
		int ret = *page - p->first < p->count ? 0 : read_window(p, *page);

		if (ret < 0)
			return ret;
		if (is_private(p->window[*page - p->first]) == wanted)
			break;
	}
	return 0;
}

static int scan(struct private_pages *p, uint64_t from)
{
	const uint64_t host = (uintptr_t)p->host;
	uint64_t end;
	int ret = page_scan(p->fd, host + from, host + p->pages * LAYOUT_PAGE, p->regions,
			    PRIVATE_PAGES_REGIONS, &end);

	if (ret < 0)
		return ret;
	p->n_regions = (unsigned)ret;
	p->region = 0;
	p->scanned = end - host;
	return 0;
}

/* The regions from @from on that follow each other, as one. */
static struct page_run take_run(struct private_pages *p, uint64_t from)
{
	const uint64_t host = (uintptr_t)p->host;
	struct page_run run = { p->regions[p->region].start - host,
				p->regions[p->region].end - host };

	while (p->region + 1 < p->n_regions && p->regions[p->region + 1].start == host + run.end)
		run.end = p->regions[++p->region].end - host;
	if (run.start < from)
		run.start = from;
	return run;
}

static int next_by_scan(struct private_pages *p, uint64_t from, struct page_run *ret_run)
{
	const uint64_t host = (uintptr_t)p->host, size = p->pages * LAYOUT_PAGE;
	int ret = 0;

	*ret_run = (struct page_run){ size, size };
	if (from < p->last) {
		p->n_regions = 0;
		p->scanned = from;
	}
	p->last = from;
	while (from < size) {
		while (p->region < p->n_regions && p->regions[p->region].end <= host + from)
			p->region++;
		if (p->region < p->n_regions) {
			*ret_run = take_run(p, from);
			return 0;
		}
		if (p->scanned >= size)
			return 0;
		if (p->scanned > from)
			from = p->scanned;
		ret = scan(p, from);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int next_by_reading(struct private_pages *pages, uint64_t from, struct page_run *ret_run)
{
	uint64_t page = from / LAYOUT_PAGE, start;
	int ret = find_page(pages, true, &page);

	start = page;
	if (ret == 0)
		ret = find_page(pages, false, &page);
	if (ret == 0)
		*ret_run = (struct page_run){ start * LAYOUT_PAGE, page * LAYOUT_PAGE };
	return ret;
}

int private_pages_next(struct private_pages *pages, uint64_t from, struct page_run *ret_run)
{
	if (!pages->cannot_scan) {
		int ret = next_by_scan(pages, from, ret_run);

		if (ret == 0)
			return 0;
		/* A kernel before 6.7, a sandbox around us, or not the kernel's list at all. */
		pages->cannot_scan = true;
	}
	return next_by_reading(pages, from, ret_run);
}
