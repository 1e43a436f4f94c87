// SPDX-License-Identifier: Apache-2.0
/* Walks the page tables and reads the GDT as a processor would. */
#include "boot/entry_x86.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;

static uint64_t read64(const struct guest_memory *mem, uint64_t addr)
{
	uint64_t v;

	cr_assert_eq(guest_memory_read(mem, gpa(addr), &v, sizeof(v)), 0);
	return v;
}

/* The physical address that @virt is mapped to, or UINT64_MAX. */
static uint64_t walk(const struct guest_memory *mem, uint64_t cr3, uint64_t virt)
{
	uint64_t table = cr3;

	for (int shift = 39; shift >= 21; shift -= 9) {
		uint64_t entry = read64(mem, table + ((virt >> shift) & 511) * 8);

		if ((entry & 3) != 3)
			return UINT64_MAX;
		table = entry & 0xffffffffff000;
		if (entry & 0x80)
			return shift == 21 ? table + (virt & 0x1fffff) : UINT64_MAX;
	}
	return UINT64_MAX;
}

Test(entry_x86, maps_the_first_4_gib_onto_themselves)
{
	struct guest_memory mem = fixture_ram(MIB);
	struct boot_entry e;

	cr_assert_eq(entry_x86_write(0x1000200, &mem, &e, &err), 0);
	for (uint64_t addr = 0; addr < 1ull << 32; addr += 0x200000)
		cr_assert_eq(walk(&mem, e.cr3, addr + 0x1234), addr + 0x1234);
	cr_assert_eq(walk(&mem, e.cr3, 1ull << 32), UINT64_MAX);
	/* Nothing behind the six pages. */
	cr_assert_eq(read64(&mem, LAYOUT_PAGE_TABLES + 6 * 0x1000), 0);
}

Test(entry_x86, has_flat_segments_where_the_protocol_wants_them)
{
	struct guest_memory mem = fixture_ram(MIB);
	struct boot_entry e;

	cr_assert_eq(entry_x86_write(0x1000200, &mem, &e, &err), 0);
	cr_assert_eq(e.rip, 0x1000200);
	cr_assert_eq(e.rsi, LAYOUT_ZERO_PAGE);
	cr_assert_eq(e.rsp % 16, 0);
	cr_assert_eq(e.code_selector, 0x10);
	cr_assert_eq(e.data_selector, 0x18);
	cr_assert_eq(e.gdt_limit, 0x1f);
	/* Present, ring 0, code, readable, 64-bit; present, ring 0, data, writable. */
	cr_assert_eq(read64(&mem, e.gdt_base + 0x10) >> 40 & 0xff, 0x9b);
	cr_assert_eq(read64(&mem, e.gdt_base + 0x10) >> 52 & 0x6, 0x2);
	cr_assert_eq(read64(&mem, e.gdt_base + 0x18) >> 40 & 0xff, 0x93);
	cr_assert_eq(read64(&mem, e.gdt_base), 0);
}

Test(entry_x86, needs_low_ram)
{
	struct guest_memory none = { .count = 0 };
	struct boot_entry e;

	cr_assert_eq(entry_x86_write(0, &none, &e, &err), -EFAULT);
}
