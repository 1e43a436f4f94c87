// SPDX-License-Identifier: Apache-2.0
/* Lists of pages: made, thinned out, saved, loaded from any bytes, and mapped. */
#include "vmm/snapshot/own_pages.h"

#include "tests/support/check.h"
#include "tests/support/state_file.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(own_pages, .timeout = 30);

#define PAGE ((uint64_t)LAYOUT_PAGE)
#define PAGES 64
#define SIZE (PAGES * PAGE)

static struct own_pages pages;

static struct page_run run(uint64_t first, uint64_t end)
{
	return (struct page_run){ first * PAGE, end * PAGE };
}

static void add(uint64_t first, uint64_t end)
{
	own_pages_add(&pages, run(first, end));
}

static void check_run(unsigned i, uint64_t first, uint64_t end)
{
	cr_assert_lt(i, pages.count);
	check_eq(pages.runs[i].start, first * PAGE, "run %u", i);
	check_eq(pages.runs[i].end, end * PAGE, "run %u", i);
}

Test(own_pages, runs_that_touch_are_one)
{
	add(0, 2);
	add(2, 3);
	add(5, 9);
	add(6, 7);
	add(8, 10);
	add(11, 12);
	check_eq(pages.count, 3);
	check_run(0, 0, 3);
	check_run(1, 5, 10);
	check_run(2, 11, 12);
}

static bool is_own(uint64_t page)
{
	for (uint32_t i = 0; i < pages.count; i++)
		if (pages.runs[i].start <= page * PAGE && page * PAGE < pages.runs[i].end)
			return true;
	return false;
}

/* Pairs with a page between them, and eight pages between pairs. Pairs become one. */
Test(own_pages, too_many_runs_are_joined_where_least_is_between)
{
	for (uint64_t i = 0; i < OWN_PAGES_MAX_RUNS / 2; i++) {
		add(11 * i, 11 * i + 1);
		add(11 * i + 2, 11 * i + 3);
	}
	check_eq(pages.count, OWN_PAGES_MAX_RUNS);
	add(100000, 100001);
	check_eq(pages.count, OWN_PAGES_MAX_RUNS / 2 + 1);
	for (unsigned i = 0; i < OWN_PAGES_MAX_RUNS / 2; i++)
		check_run(i, 11 * i, 11 * i + 3);
	check_run(pages.count - 1, 100000, 100001);
	add(100002, 100003);
	check_eq(pages.count, OWN_PAGES_MAX_RUNS / 2 + 2);
}

/* All gaps are alike: as many stay open as there can be, or half of them. */
Test(own_pages, any_number_of_runs)
{
	for (uint64_t i = 0; i < 50000; i++) {
		add(3 * i, 3 * i + 2);
		cr_assert_leq(pages.count, OWN_PAGES_MAX_RUNS);
	}
	cr_assert_geq(pages.count, OWN_PAGES_MAX_RUNS / 2);
	for (uint64_t i = 0; i < 50000; i += 7)
		cr_assert(is_own(3 * i) && is_own(3 * i + 1), "%lu", i);
	cr_assert_not(is_own(3 * 49999 + 2));
	for (uint32_t i = 1; i < pages.count; i++)
		cr_assert_gt(pages.runs[i].start, pages.runs[i - 1].end);
}

static uint8_t *map_disk(int fd)
{
	uint8_t *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	cr_assert(host != MAP_FAILED);
	return host;
}

/* Each page begins with its number and @what. */
static int make_disk(uint8_t what)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	cr_assert(fd >= 0);
	check_eq(ftruncate(fd, SIZE), 0);
	for (uint8_t i = 0; i < PAGES; i++) {
		const uint8_t bytes[2] = { i, what };

		check_eq(pwrite(fd, bytes, 2, (off_t)(i * PAGE)), 2);
	}
	return fd;
}

static struct private_pages memory;

static void look(const uint8_t *host)
{
	int fd = private_pages_open();

	cr_assert(fd >= 0);
	private_pages_init(&memory, fd, host, SIZE);
}

Test(own_pages, those_that_were_stored_to)
{
	uint8_t *host = map_disk(make_disk('b'));

	for (unsigned i = 0; i < PAGES; i++)
		check_eq(*(volatile uint8_t *)&host[i * PAGE], i);
	host[3 * PAGE] = 0;
	host[4 * PAGE] = 1;
	host[SIZE - 1] = 1;
	look(host);
	pages.count = 7;
	check_eq(own_pages_find(&pages, &memory, NULL), 0);
	check_eq(pages.count, 2);
	check_run(0, 3, 5);
	check_run(1, PAGES - 1, PAGES);
	close(memory.fd);
	private_pages_init(&memory, memory.fd, host, SIZE);
	check_eq(own_pages_find(&pages, &memory, NULL), -EBADF);
}

/* Before, beside, across, in and behind those that were stored to. */
Test(own_pages, those_that_a_restore_has_mapped)
{
	struct own_pages mapped = { .count = 7,
				    .runs = { run(0, 1), run(3, 5), run(7, 9), run(19, 31),
					      run(39, 40), run(51, 52), run(60, 62) } };
	uint8_t *host = map_disk(make_disk('b'));

	for (unsigned i = 5; i < 8; i++)
		host[i * PAGE] = 1;
	host[20 * PAGE] = host[29 * PAGE] = 1;
	host[40 * PAGE] = 1;
	host[50 * PAGE] = host[51 * PAGE] = host[52 * PAGE] = 1;
	look(host);
	check_eq(own_pages_find(&pages, &memory, &mapped), 0);
	check_eq(pages.count, 6);
	check_run(0, 0, 1);
	check_run(1, 3, 9);
	check_run(2, 19, 31);
	check_run(3, 39, 41);
	check_run(4, 50, 53);
	check_run(5, 60, 62);
}

/* A page of zeroes, which is a hole, too; and what lies between is that of the disk below. */
Test(own_pages, mapped_over_the_disk)
{
	int base = make_disk('b'), saved = make_disk('s');
	const struct memory_part part = { .gpa = 0, .size = SIZE, .offset = 8 * PAGE };
	uint8_t *host = map_disk(base);
	struct error err;

	check_eq(fallocate(saved, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 13 * PAGE, PAGE), 0);
	add(0, 1);
	add(4, 6);
	check_eq(own_pages_map(&pages, saved, &part, host, "--restore", &err), 0);
	for (unsigned i = 0; i < PAGES; i++) {
		bool own = i == 0 || i == 4 || i == 5;

		check_eq(host[i * PAGE], i == 5 ? 0 : own ? i + 8 : i, "page %u", i);
		check_eq(host[i * PAGE + 1], i == 5 ? 0 : own ? 's' : 'b', "page %u", i);
	}
	host[4 * PAGE] = 99;
	close(saved);
	check_eq(own_pages_map(&pages, saved, &part, host, "--restore", &err), -EBADF);
	check_contains(err.text, "--restore: cannot map 0 MiB");
}

static struct state_file state;

static int load(uint64_t size)
{
	state_file_load(&state);
	own_pages_load(&pages, "disk data", size, &state.reader);
	return state_file_result(&state);
}

Test(own_pages, round_trip)
{
	struct own_pages before;

	for (uint64_t i = 0; i <= OWN_PAGES_MAX_RUNS; i += OWN_PAGES_MAX_RUNS / 2) {
		while (pages.count < i)
			add(2 * pages.count, 2 * pages.count + 1);
		before = pages;
		state_file_save(&state);
		own_pages_save(&pages, &state.writer);
		memset(&pages, 0xff, sizeof(pages));
		check_eq(load(2 * OWN_PAGES_MAX_RUNS * PAGE), 0, "%s", state.err.text);
		check_eq(pages.count, i);
		check_eq(memcmp(pages.runs, before.runs, i * sizeof(*before.runs)), 0);
	}
}

/* bad input: Snapshots: own pages of a disk that are not whole, none, behind the disk, out of order
 * or twice, or too many -> refused */
Test(own_pages, hostile_lists)
{
	static const struct {
		struct page_run runs[2];
		const char *text;
	} cases[] = {
		{ { { 0, PAGE }, { PAGE + 1, 3 * PAGE } }, "are not whole pages" },
		{ { { 0, PAGE }, { 2 * PAGE, 3 * PAGE - 1 } }, "are not whole pages" },
		{ { { 0, PAGE }, { 2 * PAGE, 2 * PAGE } }, "are none" },
		{ { { 0, PAGE }, { 4 * PAGE, 3 * PAGE } }, "are none" },
		{ { { 0, PAGE }, { SIZE, SIZE + PAGE } }, "end behind the disk" },
		{ { { 0, PAGE }, { 2 * PAGE, -PAGE } }, "end behind the disk" },
		{ { { 2 * PAGE, 4 * PAGE }, { 0, PAGE } }, "do not lie behind those before them" },
		{ { { 2 * PAGE, 4 * PAGE }, { 2 * PAGE, 5 * PAGE } }, "do not lie behind those" },
		{ { { 2 * PAGE, 4 * PAGE }, { 4 * PAGE, 5 * PAGE } }, "do not lie behind those" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		state_file_save(&state);
		pages = (struct own_pages){ .count = 2 };
		memcpy(pages.runs, cases[i].runs, sizeof(cases[i].runs));
		own_pages_save(&pages, &state.writer);
		check_eq(load(SIZE), -EINVAL, "case %zu", i);
		check_contains(state.err.text, cases[i].text);
		check_contains(state.err.text, "of disk data, which has 0x40000, ");
		check_contains(state.err.text, ": it is damaged; save the VM again");
		check_eq(pages.count, 0);
	}
	state_file_save(&state);
	state_writer_u32(&state.writer, OWN_PAGES_MAX_RUNS + 1);
	check_eq(load(SIZE), -EINVAL);
	check_contains(state.err.text, "has 1001 runs of pages, and there can be 1000");
	state_file_save(&state);
	state_writer_u32(&state.writer, 2);
	state_writer_u64(&state.writer, 0);
	check_eq(load(SIZE), -EINVAL);
	check_eq(pages.count, 0);
	state_file_fini(&state);
}
