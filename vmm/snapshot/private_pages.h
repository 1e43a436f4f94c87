/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a mapping this process has for itself: those of anonymous memory that were ever
 * touched, and those of a private mapping of a file that were stored to. The kernel tells
 * (Documentation/admin-guide/mm/pagemap.rst), so nothing has to be read to find out, and pages that
 * were never touched stay so. mincore(2) would not do: it does not see what was swapped out.
 */
#pragma once

#include "vmm/snapshot/page_scan.h"

#include <stdbool.h>
#include <stdint.h>

/* How many pages one read of the kernel's list covers: 4 MiB of memory. */
#define PRIVATE_PAGES_WINDOW 1024
/* How many regions one scan lists. */
#define PRIVATE_PAGES_REGIONS 256

struct private_pages {
	int fd;		     /* borrowed: private_pages_open */
	const uint8_t *host; /* guest memory, borrowed */
	uint64_t pages;
	uint64_t window[PRIVATE_PAGES_WINDOW]; /* what the kernel said of pages from first on */
	uint64_t first;
	uint64_t count; /* of pages in the window */
	/* Or, where the kernel can list them (page_scan.h), some of the private ones. */
	bool cannot_scan;
	struct page_scan_region regions[PRIVATE_PAGES_REGIONS];
	unsigned n_regions, region; /* the next one to look at */
	uint64_t scanned;	    /* bytes of the mapping up to which they are all */
	uint64_t last;		    /* where the last call began to look */
};

/* Bytes of a mapping or file, from start up to end; both are multiples of a page. */
struct page_run {
	uint64_t start;
	uint64_t end;
};

/*
 * Opens the kernel's list for this process, before the sandbox. A child that is forked later has
 * another list. The descriptor is the caller's; -errno.
 */
int private_pages_open(void);

/* Begins to look at the @size bytes at @host, both multiples of a page. */
void private_pages_init(struct private_pages *pages, int fd, const void *host, uint64_t size);

/*
 * Finds the first private pages at or behind byte @from of the mapping: all that follow each other.
 * An empty run at the mapping's end if there are none. 0, or -errno of pread(2) or of page_scan.
 */
int private_pages_next(struct private_pages *pages, uint64_t from, struct page_run *ret_run);
