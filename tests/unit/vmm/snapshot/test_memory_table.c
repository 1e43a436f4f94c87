// SPDX-License-Identifier: Apache-2.0
/* Where guest memory is in a file; sound tables and each unsound one. */
#include "vmm/snapshot/memory_table.h"

#include "tests/support/check.h"
#include "vmm/base/layout.h"
#include "vmm/base/state_format.h"

#include <errno.h>

TestSuite(memory_table, .timeout = 10);

#define MIB (1ULL << 20)
#define PAGE ((uint64_t)LAYOUT_PAGE)

static struct memory_table table;

Test(memory_table, parts_follow_each_other)
{
	check_eq(memory_table_add(&table, gpa(0), 3 * MIB), 0);
	check_eq(memory_table_add(&table, gpa(LAYOUT_ABOVE_4G), PAGE), 0);
	check_eq(memory_table_add(&table, gpa(3 * MIB), MIB), 0);
	check_eq(table.count, 3);
	check_eq(table.parts[0].offset, 0);
	check_eq(table.parts[1].offset, 4 * MIB, "at a multiple of 2 MiB");
	check_eq(table.parts[2].offset, 6 * MIB);
	check_eq(table.file_size, 7 * MIB);
	cr_assert(memory_table_find(&table, gpa(3 * MIB), MIB) == &table.parts[2]);
	cr_assert(!memory_table_find(&table, gpa(3 * MIB), 2 * MIB));
	cr_assert(!memory_table_find(&table, gpa(MIB), MIB));
}

Test(memory_table, refused_parts)
{
	check_eq(memory_table_add(&table, gpa(0), 0), -EINVAL);
	check_eq(memory_table_add(&table, gpa(0), 100), -EINVAL);
	check_eq(memory_table_add(&table, gpa(100), PAGE), -EINVAL);
	check_eq(memory_table_add(&table, gpa(-PAGE), PAGE), -EINVAL);
	check_eq(memory_table_add(&table, gpa(0), 1ULL << 63), -EINVAL);
	check_eq(memory_table_add(&table, gpa(MIB), MIB), 0);
	check_eq(memory_table_add(&table, gpa(0), MIB + PAGE), -EEXIST);
	check_eq(memory_table_add(&table, gpa(2 * MIB - PAGE), PAGE), -EEXIST);
	check_eq(memory_table_add(&table, gpa(MIB + PAGE), PAGE), -EEXIST);
	check_eq(memory_table_add(&table, gpa(2 * MIB), (1ULL << 63) - 2 * MIB), -EINVAL);
	check_eq(table.count, 1);
	check_eq(table.file_size, MIB);
	while (table.count < GUEST_MEMORY_MAX_REGIONS)
		check_eq(memory_table_add(&table, gpa((table.count + 1) * MIB), MIB), 0);
	check_eq(memory_table_add(&table, gpa(0), PAGE), -ENOSPC);
}

static struct state_writer w;
static struct state_reader r;
static struct error err;

/* As memory_table_save, of any table. */
static int load(const struct memory_table *from, struct memory_table *to)
{
	int ret;

	state_writer_init(&w, STATE_MAX_SIZE);
	memory_table_save(from, &w);
	check_eq(state_writer_finish(&w, &err), 0);
	check_eq(state_reader_init(&r, "state", w.file.data, w.file.len, &err), 0);
	memory_table_load(to, &r);
	ret = state_reader_finish(&r, &err);
	state_reader_fini(&r);
	state_writer_fini(&w);
	return ret;
}

Test(memory_table, round_trip)
{
	struct memory_table back;

	check_eq(load(&table, &back), 0);
	check_eq(back.count, 0);
	while (table.count < GUEST_MEMORY_MAX_REGIONS)
		check_eq(memory_table_add(&table, gpa(table.count * MIB), MIB), 0);
	check_eq(load(&table, &back), 0, "%s", err.text);
	check_eq(memcmp(&table, &back, sizeof(table)), 0);
}

static void check_refused(const struct memory_table *t, const char *text)
{
	struct memory_table back;

	check_eq(load(t, &back), -EINVAL, "%s", text);
	check_contains(err.text, "state: section memory: ");
	check_contains(err.text, text);
	check_contains(err.text, "it is damaged; save the VM again");
	check_eq(back.count, 0);
}

static struct memory_table with(struct memory_part part)
{
	return (struct memory_table){
		.file_size = 4 * MIB,
		.count = 2,
		.parts = { { MIB, MIB, MIB }, part },
	};
}

/*
 * bad input: Snapshots: a table of memory whose parts are not whole pages, are empty, lie behind
 * the address space or the file, or overlap each other; or a file larger than any can be -> refused
 */
Test(memory_table, hostile_tables)
{
	static const struct {
		struct memory_part part;
		const char *text;
	} cases[] = {
		{ { 0, 0, 0 },
		  "part 1, 0x0 bytes at 0x0 of guest memory and at 0x0 of a file of "
		  "0x400000, is not at whole pages" },
		{ { 0, 1, 0 }, "is not at whole pages" },
		{ { 1, PAGE, 0 }, "is not at whole pages" },
		{ { 0, PAGE, 1 }, "is not at whole pages" },
		{ { -PAGE, PAGE, 0 }, "ends behind the address space" },
		{ { -PAGE, 2 * PAGE, 0 }, "ends behind the address space" },
		{ { 0, PAGE, 4 * MIB }, "ends behind the file" },
		{ { 0, PAGE, -PAGE }, "ends behind the file" },
		{ { 2 * MIB, MIB + PAGE, 3 * MIB }, "ends behind the file" },
		{ { 4 * MIB, -8 * MIB, 0 }, "ends behind the file" },
		{ { MIB, PAGE, 0 }, "overlaps an earlier part in guest memory" },
		{ { 2 * MIB - PAGE, PAGE, 0 }, "overlaps an earlier part in guest memory" },
		{ { 0, MIB + PAGE, 2 * MIB }, "overlaps an earlier part in guest memory" },
		{ { 0, 2 * MIB + PAGE, 0 }, "overlaps an earlier part in guest memory" },
		{ { 2 * MIB, PAGE, MIB }, "overlaps an earlier part in the file" },
		{ { 2 * MIB, PAGE, 2 * MIB - PAGE }, "overlaps an earlier part in the file" },
		{ { 2 * MIB, MIB + PAGE, 0 }, "overlaps an earlier part in the file" },
	};
	struct memory_table t, back;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		t = with(cases[i].part);
		check_refused(&t, cases[i].text);
	}
	t = with((struct memory_part){ 0, MIB, 0 });
	check_eq(load(&t, &back), 0, "%s", err.text);
	t = with((struct memory_part){ 2 * MIB, MIB, 3 * MIB });
	check_eq(load(&t, &back), 0, "%s", err.text);
	t.file_size = 1ULL << 63;
	check_refused(&t, "the size of the memory file is 0x8000000000000000, which no file");
	t.file_size = 4 * MIB + 1;
	check_refused(&t, "the size of the memory file is 0x400001");
}

/*
 * bad input: Snapshots: a table of memory with more parts than there can be, or with fewer than it
 * says -> refused
 */
Test(memory_table, hostile_counts)
{
	struct memory_table back = { .count = 5 };

	for (uint32_t count = 1; count <= GUEST_MEMORY_MAX_REGIONS + 1;
	     count += GUEST_MEMORY_MAX_REGIONS) {
		state_writer_init(&w, STATE_MAX_SIZE);
		state_writer_begin(&w, "memory", 1);
		state_writer_u64(&w, 0);
		state_writer_u32(&w, count);
		state_writer_end(&w);
		check_eq(state_writer_finish(&w, &err), 0);
		check_eq(state_reader_init(&r, "state", w.file.data, w.file.len, &err), 0);
		memory_table_load(&back, &r);
		check_eq(state_reader_finish(&r, &err), -EINVAL);
		check_contains(err.text, count == 1 ? "state: section memory: ends at byte 12"
						    : "has 65 parts, and there can be 64");
		check_eq(back.count, 0);
		state_reader_fini(&r);
		state_writer_fini(&w);
	}
}
