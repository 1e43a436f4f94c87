// SPDX-License-Identifier: Apache-2.0
/* The memory map for every size of RAM. */
#include "boot/e820_x86.h"
#include "tests/support/boot_fixture.h"

static struct e820_x86_map build(enum boot_platform platform, uint64_t ram)
{
	struct boot_machine machine = { .ram_size = ram, .platform = platform };
	struct e820_x86_map map;

	e820_x86_build(&machine, &map);
	cr_assert(map.count <= E820_MAX_ENTRIES);
	for (unsigned i = 0; i < map.count; i++) {
		cr_assert_neq(map.entries[i].size, 0);
		if (i)
			cr_assert(map.entries[i - 1].addr + map.entries[i - 1].size <=
				  map.entries[i].addr);
	}
	return map;
}

static uint64_t usable(const struct e820_x86_map *map)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < map->count; i++)
		if (map->entries[i].type == E820_RAM)
			sum += map->entries[i].size;
	return sum;
}

static uint32_t type_at(const struct e820_x86_map *map, uint64_t addr)
{
	for (unsigned i = 0; i < map->count; i++)
		if (addr >= map->entries[i].addr &&
		    addr - map->entries[i].addr < map->entries[i].size)
			return map->entries[i].type;
	return 0;
}

Test(e820_x86, all_ram_but_the_legacy_hole_is_usable)
{
	const uint64_t hole = LAYOUT_HIGH_RAM - LAYOUT_LOW_RAM_END;
	const uint64_t sizes[] = { 16 * MIB, 256 * MIB, LAYOUT_LOW_RAM_MAX,
				   LAYOUT_LOW_RAM_MAX + 4096, 16384 * MIB };

	for (unsigned i = 0; i < 5; i++) {
		struct e820_x86_map map = build(BOOT_PLATFORM_DT, sizes[i]);

		cr_assert_eq(usable(&map), sizes[i] - hole);
	}
}

Test(e820_x86, ram_goes_around_the_device_hole)
{
	struct e820_x86_map map = build(BOOT_PLATFORM_DT, LAYOUT_LOW_RAM_MAX + 8 * MIB);

	cr_assert_eq(type_at(&map, LAYOUT_LOW_RAM_END - 1), E820_RAM);
	cr_assert_eq(type_at(&map, LAYOUT_LOW_RAM_END), E820_RESERVED);
	cr_assert_eq(type_at(&map, LAYOUT_LOW_RAM_MAX - 1), E820_RAM);
	cr_assert_eq(type_at(&map, LAYOUT_LOW_RAM_MAX), 0);
	cr_assert_eq(type_at(&map, LAYOUT_VIRTIO_BASE), 0);
	cr_assert_eq(type_at(&map, LAYOUT_VMGENID_BASE), 0);
	cr_assert_eq(type_at(&map, LAYOUT_VMGENID_BASE + LAYOUT_VMGENID_SIZE - 1), 0);
	cr_assert_eq(type_at(&map, LAYOUT_ABOVE_4G), E820_RAM);
	cr_assert_eq(type_at(&map, LAYOUT_ABOVE_4G + 8 * MIB - 1), E820_RAM);
	cr_assert_eq(type_at(&map, LAYOUT_ABOVE_4G + 8 * MIB), 0);
	map = build(BOOT_PLATFORM_DT, 256 * MIB);
	cr_assert_eq(type_at(&map, LAYOUT_ABOVE_4G), 0);
	cr_assert_eq(type_at(&map, 256 * MIB), 0);
}

Test(e820_x86, acpi_tables_are_reclaimable_and_their_state_is_not)
{
	struct e820_x86_map map = build(BOOT_PLATFORM_ACPI, 64 * MIB);

	cr_assert_eq(type_at(&map, LAYOUT_ACPI - 1), E820_RESERVED);
	cr_assert_eq(type_at(&map, LAYOUT_ACPI), E820_ACPI);
	cr_assert_eq(type_at(&map, LAYOUT_ACPI_STATE), E820_NVS);
	cr_assert_eq(type_at(&map, LAYOUT_HIGH_RAM - 1), E820_NVS);
	cr_assert_eq(type_at(&map, LAYOUT_HIGH_RAM), E820_RAM);
	map = build(BOOT_PLATFORM_DT, 64 * MIB);
	cr_assert_eq(type_at(&map, LAYOUT_ACPI), E820_RESERVED);
}

Test(e820_x86, names_every_type)
{
	cr_assert_str_eq(e820_x86_type_name(E820_RAM), "RAM");
	cr_assert_str_eq(e820_x86_type_name(E820_NVS), "ACPI NVS");
	cr_assert_str_eq(e820_x86_type_name(77), "?");
}
