// SPDX-License-Identifier: Apache-2.0
/* Pages that were touched, of memory of all kinds. */
#include "vmm/snapshot/private_pages.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(private_pages, .timeout = 10);

#define PAGES (2 * PRIVATE_PAGES_WINDOW + 10)
#define SIZE (PAGES * (uint64_t)LAYOUT_PAGE)

static struct private_pages pages;

static uint8_t *map(int flags, int fd)
{
	uint8_t *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	cr_assert(host != MAP_FAILED);
	/* A huge page would be private as a whole. */
	madvise(host, SIZE, MADV_NOHUGEPAGE);
	private_pages_init(&pages, private_pages_open(), host, SIZE);
	cr_assert(pages.fd >= 0);
	return host;
}

static void check_run(uint64_t from, uint64_t start, uint64_t end)
{
	struct page_run run = { 1, 2 };

	check_eq(private_pages_next(&pages, from * LAYOUT_PAGE, &run), 0);
	check_eq(run.start, start * LAYOUT_PAGE);
	check_eq(run.end, end * LAYOUT_PAGE);
}

Test(private_pages, anonymous_memory)
{
	uint8_t *host = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	check_run(0, PAGES, PAGES);
	private_pages_init(&pages, pages.fd, host, SIZE);
	host[3 * LAYOUT_PAGE] = host[4 * LAYOUT_PAGE + 5] = 1;
	/* Across the window's end, and the last one. */
	for (unsigned i = PRIVATE_PAGES_WINDOW - 1; i < PRIVATE_PAGES_WINDOW + 2; i++)
		host[i * LAYOUT_PAGE] = 1;
	host[SIZE - 1] = 1;
	check_run(0, 3, 5);
	check_run(3, 3, 5);
	check_run(4, 4, 5);
	check_run(5, PRIVATE_PAGES_WINDOW - 1, PRIVATE_PAGES_WINDOW + 2);
	check_run(PRIVATE_PAGES_WINDOW + 2, PAGES - 1, PAGES);
	check_run(PAGES, PAGES, PAGES);
	/* Back to what an earlier window had. */
	check_run(0, 3, 5);
	check_run(PAGES - 1, PAGES - 1, PAGES);
	host[0] = 1;
	check_run(0, 0, 1);
}

/* What was only read is the file's, and so is what the kernel maps around it. */
Test(private_pages, private_mapping_of_a_file)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	volatile uint8_t *host;

	check_eq(ftruncate(fd, SIZE), 0);
	check_eq(pwrite(fd, "x", 1, 9 * LAYOUT_PAGE), 1);
	host = map(MAP_PRIVATE, fd);
	check_eq(host[9 * LAYOUT_PAGE], 'x');
	host[10 * LAYOUT_PAGE] = 0;
	check_run(0, 10, 11);
	check_run(11, PAGES, PAGES);
}

Test(private_pages, shared_memory_is_not_private)
{
	int fd = memfd_create("ram", 0);
	uint8_t *host;

	check_eq(ftruncate(fd, SIZE), 0);
	host = map(MAP_SHARED, fd);
	host[0] = 1;
	check_run(0, PAGES, PAGES);
}

/* What the kernel says of a page that was swapped out; the list is a file that the test makes. */
Test(private_pages, entries)
{
	static const struct {
		uint64_t entry;
		bool is_private;
	} cases[] = {
		{ 0, false },
		{ 1ULL << 63, true },
		{ 1ULL << 62, true },
		{ 1ULL << 62 | 1ULL << 61, true },
		{ 1ULL << 63 | 1ULL << 61, false },
		{ 1ULL << 63 | 1ULL << 55 | 0x1234, true },
		{ 1ULL << 61, false },
		{ 1ULL << 55, false },
	};
	int fd = memfd_create("pagemap", 0);

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct page_run run;

		check_eq(pwrite(fd, &cases[i].entry, 8, 8), 8);
		private_pages_init(&pages, fd, (void *)LAYOUT_PAGE, LAYOUT_PAGE);
		check_eq(private_pages_next(&pages, 0, &run), 0);
		check_eq(run.start < run.end, cases[i].is_private, "case %u", i);
	}
}

Test(private_pages, errors)
{
	unsigned before = open_descriptors();
	struct page_run run;

	map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	close(pages.fd);
	check_eq(private_pages_next(&pages, 0, &run), -EBADF);
	pages.fd = open("/dev/null", O_RDONLY);
	check_eq(private_pages_next(&pages, 0, &run), -EIO);
	close(pages.fd);
	check_eq(open_descriptors(), before);
}

/* More regions than a scan lists, by the scan and by the words for each page. */
Test(private_pages, many_regions)
{
	uint8_t *host = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (unsigned i = 0; i < PAGES; i += 2)
		host[i * LAYOUT_PAGE] = 1;
	for (int cannot_scan = 0; cannot_scan < 2; cannot_scan++) {
		private_pages_init(&pages, pages.fd, host, SIZE);
		pages.cannot_scan = cannot_scan;
		for (unsigned i = 0; i + 1 < PAGES; i += 2)
			check_run(i, i, i + 1);
	}
}

/* Both ways see the same of a mapping with pages of all kinds. */
Test(private_pages, scan_and_words_agree)
{
	int fd = memfd_create("base", 0);
	struct private_pages words;
	uint8_t *host;

	check_eq(ftruncate(fd, SIZE), 0);
	check_eq(pwrite(fd, "x", 1, 9 * LAYOUT_PAGE), 1);
	host = map(MAP_PRIVATE, fd);
	for (unsigned i = 1; i < PAGES; i = i * 3 / 2 + 1)
		host[i * LAYOUT_PAGE]++;
	cr_assert(*(volatile uint8_t *)&host[9 * LAYOUT_PAGE] && !host[0]);
	private_pages_init(&words, pages.fd, host, SIZE);
	words.cannot_scan = true;
	for (uint64_t at = 0; at < SIZE;) {
		struct page_run a, b;

		check_eq(private_pages_next(&pages, at, &a), 0);
		check_eq(private_pages_next(&words, at, &b), 0);
		check_eq(a.start, b.start);
		check_eq(a.end, b.end);
		at = a.end;
	}
}
