// SPDX-License-Identifier: Apache-2.0
/* The WDAT: found through the XSDT, and as iasl reads it. */
#include "boot/acpi_x86.h"
#include "boot/wdat_x86.h"
#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

static uint8_t area[LAYOUT_ACPI_MAX] __attribute__((aligned(16)));

static struct acpi_x86_tables build(unsigned nodes)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 1);
	struct acpi_x86_tables tables;
	struct error err = { 0 };

	machine.devices[machine.n_devices++] = (struct boot_device){
		.kind = BOOT_DEVICE_WATCHDOG,
		.addr = LAYOUT_WATCHDOG_BASE,
		.size = LAYOUT_WATCHDOG_SIZE,
	};
	machine.nodes[0] = (struct boot_node){ machine.ram_size, 1 };
	machine.n_nodes = nodes;
	check_eq(acpi_x86_build(&machine, area, sizeof(area), &tables, &err), 0, "%s", err.text);
	return tables;
}

static uint64_t read_le(const uint8_t *at, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, at, bytes);
	return v;
}

/* With an SRAT in front of it and without. */
Test(wdat_x86, is_the_last_table)
{
	for (unsigned nodes = 0; nodes < 2; nodes++) {
		struct acpi_x86_tables tables = build(nodes);
		const uint8_t *xsdt = area + tables.table[1].offset, *wdat;
		unsigned i = ACPI_TABLES + nodes;
		uint8_t sum = 0;

		check_eq(tables.count, i + 1);
		check_str(tables.table[i].name, "wdat");
		check_eq(read_le(xsdt + 4, 4), 36 + (3 + nodes) * 8);
		check_eq(read_le(xsdt + 52 + nodes * 8, 8), LAYOUT_ACPI + tables.table[i].offset);
		wdat = area + tables.table[i].offset;
		check_eq(memcmp(wdat, "WDAT", 4), 0);
		check_eq(read_le(wdat + 4, 4), 36 + WDAT_SIZE);
		for (unsigned byte = 0; byte < 36 + WDAT_SIZE; byte++)
			sum = (uint8_t)(sum + wdat[byte]);
		check_eq(sum, 0);
	}
}

/* By the specification: action, instruction, register, value. */
Test(wdat_x86, actions)
{
	static const struct {
		unsigned action, instruction, offset, value;
	} wanted[] = {
		{ 1, 2, LAYOUT_WATCHDOG_LEFT, 1 },    { 4, 1, LAYOUT_WATCHDOG_LEFT, 0 },
		{ 5, 1, LAYOUT_WATCHDOG_SECONDS, 0 }, { 6, 3, LAYOUT_WATCHDOG_SECONDS, 0 },
		{ 8, 0, LAYOUT_WATCHDOG_RUN, 1 },     { 9, 2, LAYOUT_WATCHDOG_RUN, 1 },
		{ 10, 0, LAYOUT_WATCHDOG_RUN, 0 },    { 11, 2, LAYOUT_WATCHDOG_RUN, 0 },
	};
	uint8_t body[WDAT_SIZE];

	wdat_x86_write(body);
	check_eq(read_le(body, 4), 32);
	check_eq(read_le(body + 4, 5), 0xffffff00ff, "what Linux takes for no PCI device");
	check_eq(read_le(body + 12, 4), 1000, "milliseconds");
	check_eq(read_le(body + 16, 4), LAYOUT_WATCHDOG_MAX_SECONDS);
	check_eq(read_le(body + 20, 4), 1);
	check_eq(read_le(body + 24, 4), 1, "enabled");
	check_eq(read_le(body + 28, 4), ARRAY_SIZE(wanted));
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		const uint8_t *at = body + 32 + i * 24;

		check_eq(read_le(at, 4), wanted[i].action | wanted[i].instruction << 8);
		check_eq(read_le(at + 4, 4), 0x03002000, "32 bits of memory");
		check_eq(read_le(at + 8, 8), LAYOUT_WATCHDOG_BASE + wanted[i].offset);
		check_eq(read_le(at + 16, 4), wanted[i].value);
		check_eq(read_le(at + 20, 4), UINT32_MAX);
	}
}

Test(wdat_x86, iasl_takes_it_apart_and_puts_it_together)
{
	struct acpi_x86_tables tables = build(0);
	char output[FIXTURE_OUTPUT], dir[32], dat[64], source[64];
	FILE *f;

	fixture_directory(dir);
	snprintf(dat, sizeof(dat), "%s/wdat.dat", dir);
	snprintf(source, sizeof(source), "%s/wdat.dsl", dir);
	f = fopen(dat, "w");
	cr_assert_not_null(f);
	check_eq(fwrite(area + tables.table[ACPI_TABLES].offset, tables.table[ACPI_TABLES].size, 1,
			f),
		 1);
	check_eq(fclose(f), 0);
	FIXTURE_RUN(output, "iasl", "-d", dat);
	cr_assert_null(strstr(output, "Warning"), "%s", output);
	cr_assert_null(strstr(output, "rror"), "%s", output);
	FIXTURE_RUN(output, "iasl", source);
	cr_assert_not_null(strstr(output, "0 Errors, 0 Warnings"), "%s", output);
	fixture_remove(dir);
}
