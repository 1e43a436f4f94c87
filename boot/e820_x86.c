// SPDX-License-Identifier: Apache-2.0
/* The memory map: which parts of layout.h are the kernel's to use. */
#include "boot/e820_x86.h"

#include "vmm/base/array.h"
#include "vmm/base/layout.h"

static void add_entry(struct e820_x86_map *map, uint64_t start, uint64_t end, enum e820_type type)
{
	if (start < end)
		map->entries[map->count++] = (struct boot_e820_entry){ .addr = start,
								       .size = end - start,
								       .type = type };
}

void e820_x86_build(const struct boot_machine *machine, struct e820_x86_map *ret_map)
{
	uint64_t ram = machine->ram_size;
	uint64_t low = ram < LAYOUT_LOW_RAM_MAX ? ram : LAYOUT_LOW_RAM_MAX;

	ret_map->count = 0;
	add_entry(ret_map, 0, LAYOUT_LOW_RAM_END, E820_RAM);
	if (machine->platform == BOOT_PLATFORM_ACPI) {
		add_entry(ret_map, LAYOUT_LOW_RAM_END, LAYOUT_ACPI, E820_RESERVED);
		/* The system may reuse the tables once it has read them, but not what AML reads. */
		add_entry(ret_map, LAYOUT_ACPI, LAYOUT_ACPI_STATE, E820_ACPI);
		add_entry(ret_map, LAYOUT_ACPI_STATE, LAYOUT_HIGH_RAM, E820_NVS);
	} else {
		add_entry(ret_map, LAYOUT_LOW_RAM_END, LAYOUT_HIGH_RAM, E820_RESERVED);
	}
	add_entry(ret_map, LAYOUT_HIGH_RAM, low, E820_RAM);
	add_entry(ret_map, LAYOUT_ABOVE_4G, LAYOUT_ABOVE_4G + (ram - low), E820_RAM);
}

const char *e820_x86_type_name(uint32_t type)
{
	static const char *const names[] = { "?", "RAM", "reserved", "ACPI tables", "ACPI NVS" };

	return type < ARRAY_SIZE(names) ? names[type] : names[0];
}
