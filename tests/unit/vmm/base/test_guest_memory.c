// SPDX-License-Identifier: Apache-2.0
/* Bounds of guest addresses: first and last bytes, borders, holes, overflow. */
#include "vmm/base/guest_memory.h"

#include "tests/support/check.h"

#include <errno.h>

TestSuite(guest_memory, .timeout = 10);

/* RAM and pmem touch, as do pmem and read-only; then a hole, then RAM that ends at the top. */
#define RAM_END 0x1000ULL
#define PMEM_END 0x2000ULL
#define READONLY_END 0x3000ULL
#define TOP (UINT64_MAX - 0xfff)

static uint8_t ram[0x1000], pmem[0x1000], readonly[0x1000], top[0xfff];
static struct guest_memory mem;

static void setup(void)
{
	/* Not in order. */
	check_eq(guest_memory_add(&mem, gpa(PMEM_END), 0x1000, readonly, GUEST_PMEM_READONLY), 0);
	check_eq(guest_memory_add(&mem, gpa(TOP), 0xfff, top, GUEST_RAM), 0);
	check_eq(guest_memory_add(&mem, gpa(0), 0x1000, ram, GUEST_RAM), 0);
	check_eq(guest_memory_add(&mem, gpa(RAM_END), 0x1000, pmem, GUEST_PMEM), 0);
}

static const struct access_case {
	const char *name;
	uint64_t addr, len;
	bool read, write, ram;
} access_cases[] = {
	{ "first byte of RAM", 0, 1, true, true, true },
	{ "last byte of RAM", RAM_END - 1, 1, true, true, true },
	{ "all of RAM", 0, 0x1000, true, true, true },
	{ "RAM and a byte of pmem", 0, 0x1001, false, false, false },
	{ "over the border to pmem", RAM_END - 1, 2, false, false, false },
	{ "first byte of pmem", RAM_END, 1, true, true, false },
	{ "last byte of pmem", PMEM_END - 1, 1, true, true, false },
	{ "over the border to read-only", PMEM_END - 1, 2, false, false, false },
	{ "first byte of read-only", PMEM_END, 1, true, false, false },
	{ "last byte of read-only", READONLY_END - 1, 1, true, false, false },
	{ "into the hole", READONLY_END - 1, 2, false, false, false },
	{ "first byte of the hole", READONLY_END, 1, false, false, false },
	{ "last byte of the hole", TOP - 1, 1, false, false, false },
	{ "from the hole into RAM", TOP - 1, 2, false, false, false },
	{ "first byte of the top", TOP, 1, true, true, true },
	{ "last byte of the top", UINT64_MAX - 1, 1, true, true, true },
	{ "all of the top", TOP, 0xfff, true, true, true },
	{ "the byte behind the top", UINT64_MAX, 1, false, false, false },
	{ "wraps to 0", UINT64_MAX - 1, 4, false, false, false },
	{ "wraps to the end of RAM", TOP, 0x1800, false, false, false },
	{ "length of everything", 0, UINT64_MAX, false, false, false },
	{ "length of everything, from the middle", 0x800, UINT64_MAX - 0x7ff, false, false, false },
	{ "nothing, in RAM", 0x10, 0, true, true, true },
	{ "nothing, in the hole", READONLY_END, 0, false, false, false },
};

Test(guest_memory, bounds, .init = setup)
{
	static uint8_t buf[0x2000];

	for (size_t i = 0; i < ARRAY_SIZE(access_cases); i++) {
		const struct access_case *c = &access_cases[i];
		gpa_t addr = gpa(c->addr);

		check_eq(guest_memory_valid(&mem, addr, c->len, false, NULL), c->read, "%s",
			 c->name);
		check_eq(guest_memory_valid(&mem, addr, c->len, true, NULL), c->write, "%s",
			 c->name);
		check_eq(guest_memory_ram(&mem, addr, c->len) != NULL, c->ram, "%s", c->name);
		if (c->len > sizeof(buf) && (c->read || c->write))
			continue;
		check_eq(guest_memory_read(&mem, addr, buf, c->len), c->read ? 0 : -EFAULT, "%s",
			 c->name);
		check_eq(guest_memory_write(&mem, addr, buf, c->len), c->write ? 0 : -EFAULT, "%s",
			 c->name);
	}
}

Test(guest_memory, bytes_go_where_they_belong, .init = setup)
{
	char text[4] = "";

	check_eq(guest_memory_write(&mem, gpa(RAM_END - 3), "abc", 3), 0);
	cr_assert(memcmp(ram + 0xffd, "abc", 3) == 0);
	check_eq(guest_memory_write(&mem, gpa(RAM_END), "def", 3), 0);
	cr_assert(memcmp(pmem, "def", 3) == 0);
	memcpy(readonly + 0xffd, "ghi", 3);
	check_eq(guest_memory_read(&mem, gpa(READONLY_END - 3), text, 3), 0);
	check_str(text, "ghi");
	cr_assert(guest_memory_ram(&mem, gpa(TOP + 5), 1) == top + 5);
}

Test(guest_memory, refused_copies_copy_nothing, .init = setup)
{
	char text[4] = "xyz";

	check_eq(guest_memory_read(&mem, gpa(RAM_END - 1), text, 3), -EFAULT);
	check_str(text, "xyz");
	check_eq(guest_memory_write(&mem, gpa(RAM_END - 1), text, 3), -EFAULT);
	check_eq(ram[0xfff], 0);
	check_eq(guest_memory_write(&mem, gpa(PMEM_END), text, 3), -EFAULT);
	check_eq(readonly[0], 0);
}

Test(guest_memory, add, .init = setup)
{
	static const struct {
		const char *name;
		uint64_t start, size;
		int ret;
	} cases[] = {
		{ "empty", 0x10000, 0, -EINVAL },
		{ "wraps", UINT64_MAX, 2, -EINVAL },
		{ "to the very top", UINT64_MAX, 1, -EINVAL },
		{ "same", 0, 0x1000, -EEXIST },
		{ "over the last byte", 0x2fff, 0x1000, -EEXIST },
		{ "over the first byte", TOP - 1, 2, -EEXIST },
		{ "around one", 0x3000, TOP, -EINVAL },
		{ "around all", 0, UINT64_MAX, -EEXIST },
		{ "fits the hole's start", 0x3000, 0x1000, 0 },
		{ "fits the hole's end", TOP - 0x1000, 0x1000, 0 },
	};
	unsigned count = mem.count;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(guest_memory_add(&mem, gpa(cases[i].start), cases[i].size, ram, GUEST_RAM),
			 cases[i].ret, "%s", cases[i].name);
		count += cases[i].ret == 0;
		check_eq(mem.count, count, "%s", cases[i].name);
	}
	for (unsigned i = 1; i < mem.count; i++)
		cr_assert(mem.regions[i - 1].start.value + mem.regions[i - 1].size <=
			  mem.regions[i].start.value);
}

Test(guest_memory, full)
{
	for (uint64_t i = 0; i < GUEST_MEMORY_MAX_REGIONS; i++)
		check_eq(guest_memory_add(&mem, gpa((64 - i) * 0x1000), 0x1000, ram, GUEST_RAM), 0);
	check_eq(guest_memory_add(&mem, gpa(0x100000), 0x1000, ram, GUEST_RAM), -ENOSPC);
	check_eq(guest_memory_valid(&mem, gpa(0x1000), 0x1000, true, NULL), true);
	check_eq(guest_memory_valid(&mem, gpa(0x40fff), 1, true, NULL), true);
}

Test(guest_memory, regions_can_be_taken_back)
{
	static struct guest_memory grown;
	static uint8_t bytes[0x3000];

	check_eq(guest_memory_add(&grown, gpa(0), 0x1000, bytes, GUEST_RAM), 0);
	check_eq(guest_memory_add(&grown, gpa(0x1000), 0x1000, bytes + 0x1000, GUEST_PMEM), 0);
	check_eq(guest_memory_add(&grown, gpa(0x2000), 0x1000, bytes + 0x2000, GUEST_PMEM_READONLY),
		 0);
	guest_memory_remove(&grown, gpa(0x1000), 0x2000);
	check_eq(grown.count, 1);
	check_eq(guest_memory_valid(&grown, gpa(0xfff), 1, false, NULL), true);
	check_eq(guest_memory_valid(&grown, gpa(0x1000), 1, false, NULL), false);
	check_eq(guest_memory_add(&grown, gpa(0x1800), 0x1000, bytes, GUEST_PMEM), 0);
}
