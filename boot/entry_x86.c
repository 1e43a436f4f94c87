// SPDX-License-Identifier: Apache-2.0
/*
 * Page tables and GDT for the first instruction. The kernel replaces both at once; they only have
 * to hold until then (boot.rst, "64-bit boot protocol").
 */
#include "boot/entry_x86.h"

#include "vmm/base/layout.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Intel SDM volume 3, section 4.5: present, writable, and a 2 MiB page in a page directory. */
#define PTE_TABLE 0x3
#define PTE_LARGE 0x83
#define ENTRIES 512
#define DIRECTORIES 4 /* of 1 GiB each */

#define PML4 LAYOUT_PAGE_TABLES
#define PDPT (PML4 + 0x1000)
#define DIRECTORY (PDPT + 0x1000)

/* SDM volume 3, section 3.4.5: flat, present; 64-bit code and writable data. */
static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

static int write_entry(const struct guest_memory *mem, uint64_t table, unsigned index,
		       uint64_t value)
{
	uint64_t le = htole64(value);

	return guest_memory_write(mem, gpa(table + index * sizeof(le)), &le, sizeof(le));
}

static int write_page_tables(const struct guest_memory *mem)
{
	uint64_t page[ENTRIES];
	int r;

	r = write_entry(mem, PML4, 0, PDPT | PTE_TABLE);
	for (unsigned i = 0; r == 0 && i < DIRECTORIES; i++) {
		uint64_t directory = DIRECTORY + i * sizeof(page);

		for (uint64_t j = 0; j < ENTRIES; j++)
			page[j] = htole64((((uint64_t)i * ENTRIES + j) << 21) | PTE_LARGE);
		r = guest_memory_write(mem, gpa(directory), page, sizeof(page));
		if (r == 0)
			r = write_entry(mem, PDPT, i, directory | PTE_TABLE);
	}
	return r;
}

int entry_x86_write(uint64_t rip, const struct guest_memory *mem, struct boot_entry *ret_entry,
		    struct error *err)
{
	int r;

	r = write_page_tables(mem);
	if (r == 0)
		r = guest_memory_write(mem, gpa(LAYOUT_GDT), gdt, sizeof(gdt));
	if (r < 0)
		return error_set(err, -r, "no RAM below 1 MiB for page tables");
	*ret_entry = (struct boot_entry){
		.rip = rip,
		.rsi = LAYOUT_ZERO_PAGE,
		/* Not asked for by the protocol: grows down into the unused real-mode area. */
		.rsp = LAYOUT_ZERO_PAGE,
		.cr3 = PML4,
		.gdt_base = LAYOUT_GDT,
		.gdt_limit = sizeof(gdt) - 1,
		.code_selector = 0x10,
		.data_selector = 0x18,
	};
	return 0;
}
