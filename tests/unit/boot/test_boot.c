// SPDX-License-Identifier: Apache-2.0
/* boot_load as a whole, for both platforms. */
#include "boot/boot.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>
#include <libfdt.h>

static struct error err;

static int load(enum boot_platform platform, const char *initrd, const char *cmdline,
		uint64_t low_ram, struct guest_memory *mem, struct boot_entry *entry,
		struct boot_report *report)
{
	struct boot_machine machine = fixture_machine(platform, 2, 2);
	struct fixture_bzimage k = fixture_bzimage();
	struct fixture_file kernel = fixture_file(&k, sizeof(k));
	struct boot_source source = { .kernel = fixture_open("--kernel", kernel.path),
				      .cmdline = cmdline };

	if (initrd)
		source.initrd = fixture_open("--initrd", initrd);
	machine.ram_size = low_ram;
	*mem = fixture_ram(low_ram);
	return boot_load(&machine, &source, mem, entry, report, &err);
}

static struct boot_params read_params(const struct guest_memory *mem,
				      const struct boot_entry *entry)
{
	struct boot_params params;

	cr_assert_eq(guest_memory_read(mem, gpa(entry->rsi), &params, sizeof(params)), 0);
	return params;
}

Test(boot, device_tree)
{
	struct boot_report report;
	struct guest_memory mem;
	struct boot_entry entry;
	struct boot_params p;
	struct setup_data *node;

	cr_assert_eq(load(BOOT_PLATFORM_DT, NULL, "x", 64 * MIB, &mem, &entry, &report), 0, "%s",
		     err.text);
	cr_assert_str_eq(report.format, "bzImage");
	cr_assert_eq(entry.rip, report.kernel_start + 0x200);
	cr_assert_eq(report.initrd_size, 0);
	p = read_params(&mem, &entry);
	cr_assert_eq(p.acpi_rsdp_addr, 0);
	node = guest_memory_ram(&mem, gpa(p.hdr.setup_data), 0x1000);
	cr_assert_not_null(node);
	cr_assert_eq(node->type, SETUP_DTB);
	cr_assert_eq(fdt_check_full(node->data, node->len), 0);
}

Test(boot, acpi_and_initrd)
{
	struct fixture_file initrd = fixture_file("initrd", 6);
	struct boot_report report;
	struct guest_memory mem;
	struct boot_entry entry;
	struct boot_params p;
	char bytes[8];

	cr_assert_eq(load(BOOT_PLATFORM_ACPI, initrd.path, "x", 64 * MIB, &mem, &entry, &report), 0,
		     "%s", err.text);
	p = read_params(&mem, &entry);
	cr_assert_eq(p.hdr.setup_data, LAYOUT_RNG_SEED);
	cr_assert_eq(guest_memory_read(&mem, gpa(p.acpi_rsdp_addr), bytes, 8), 0);
	cr_assert_eq(memcmp(bytes, "RSD PTR ", 8), 0);
	cr_assert_eq(p.hdr.ramdisk_image, report.initrd_start);
	cr_assert_eq(p.hdr.ramdisk_size, 6);
	cr_assert_eq(guest_memory_read(&mem, gpa(report.initrd_start), bytes, 6), 0);
	cr_assert_eq(memcmp(bytes, "initrd", 6), 0);
}

/* With ACPI there must be no tree and with a tree no table: nothing is described twice. */
Test(boot, never_both)
{
	struct boot_report report;
	struct guest_memory mem;
	struct boot_entry entry;
	uint32_t word;

	cr_assert_eq(load(BOOT_PLATFORM_DT, NULL, "x", 64 * MIB, &mem, &entry, &report), 0);
	for (uint64_t addr = LAYOUT_ACPI; addr < LAYOUT_ACPI + LAYOUT_ACPI_MAX; addr += 4) {
		cr_assert_eq(guest_memory_read(&mem, gpa(addr), &word, 4), 0);
		cr_assert_eq(word, 0, "0x%lx", addr);
	}
	cr_assert_eq(load(BOOT_PLATFORM_ACPI, NULL, "x", 64 * MIB, &mem, &entry, &report), 0);
	cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_SETUP_DATA + 16), &word, 4), 0);
	cr_assert_eq(word, 0);
}

Test(boot, passes_on_what_each_step_says)
{
	struct fixture_file huge = fixture_file("x", 1);
	struct boot_report report = { .format = "untouched" };
	struct boot_entry entry = { .rip = 42 };
	static char line[4096];
	struct guest_memory mem;

	memset(line, 'x', sizeof(line) - 1);
	cr_assert_eq(load(BOOT_PLATFORM_DT, NULL, "x", 16 * MIB, &mem, &entry, &report), -E2BIG);
	cr_assert_not_null(strstr(err.text, "--memory 17M"), "%s", err.text);
	cr_assert_eq(ftruncate(huge.fd, 1ll << 30), 0);
	cr_assert_eq(load(BOOT_PLATFORM_DT, huge.path, "x", 64 * MIB, &mem, &entry, &report),
		     -E2BIG);
	cr_assert_not_null(strstr(err.text, "--initrd"), "%s", err.text);
	cr_assert_eq(load(BOOT_PLATFORM_DT, NULL, line, 64 * MIB, &mem, &entry, &report), -E2BIG);
	cr_assert_not_null(strstr(err.text, "--append"), "%s", err.text);
	cr_assert_eq(entry.rip, 42, "touched on failure");
	cr_assert_str_eq(report.format, "untouched");
}
