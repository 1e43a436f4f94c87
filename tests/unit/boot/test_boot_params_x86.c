// SPDX-License-Identifier: Apache-2.0
/* The zero page as a kernel finds it. */
#include "boot/boot_params_x86.h"
#include "boot/elf.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;

static struct kernel_image kernel(void)
{
	struct fixture_bzimage k = fixture_bzimage();

	return (struct kernel_image){ .start = 16 * MIB,
				      .size = MIB,
				      .header = *fixture_header(&k) };
}

static struct boot_params read_params(const struct guest_memory *mem)
{
	struct boot_params params;

	cr_assert_eq(guest_memory_read(mem, gpa(LAYOUT_ZERO_PAGE), &params, sizeof(params)), 0);
	return params;
}

Test(boot_params_x86, tells_the_kernel_everything)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 1);
	struct boot_report report = { .initrd_start = 0x3000000, .initrd_size = 0x1234 };
	struct guest_memory mem = fixture_ram(64 * MIB);
	struct kernel_image k = kernel();
	struct boot_params p;
	char line[8];

	k.header.setup_data = 0xdeadbeef;
	cr_assert_eq(boot_params_x86_write(&machine, &k, &report, "a=b c", 0, &mem, &err), 0);
	p = read_params(&mem);
	cr_assert_eq(p.hdr.type_of_loader, 0xff);
	cr_assert_eq(p.hdr.init_size, 0x100000);
	cr_assert_eq(p.hdr.ramdisk_image, 0x3000000);
	cr_assert_eq(p.hdr.ramdisk_size, 0x1234);
	cr_assert_eq(p.hdr.cmd_line_ptr, LAYOUT_CMDLINE);
	cr_assert_eq(p.hdr.setup_data, LAYOUT_RNG_SEED, "the file's own must not survive");
	cr_assert_eq(p.acpi_rsdp_addr, LAYOUT_ACPI);
	cr_assert_eq(p.e820_entries, 5);
	cr_assert_eq(p.e820_table[0].size, LAYOUT_LOW_RAM_END);
	cr_assert_eq(p.screen_info.orig_video_isVGA, 0);
	cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_CMDLINE), line, 6), 0);
	cr_assert_str_eq(line, "a=b c");
}

Test(boot_params_x86, each_boot_has_its_own_seed)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 1);
	struct boot_report report = { .initrd_start = 0 };
	struct kernel_image k = kernel();
	uint8_t seeds[2][33];
	struct setup_data node;

	for (unsigned i = 0; i < 2; i++) {
		struct guest_memory mem = fixture_ram(64 * MIB);

		cr_assert_eq(boot_params_x86_write(&machine, &k, &report, "", 0, &mem, &err), 0);
		cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_RNG_SEED), &node, sizeof(node)), 0);
		cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_RNG_SEED + sizeof(node)), seeds[i],
					       sizeof(seeds[i])),
			     0);
		cr_assert_eq(node.next, 0);
		cr_assert_eq(node.type, SETUP_RNG_SEED);
		cr_assert_eq(node.len, 32);
		cr_assert_eq(seeds[i][32], 0, "nothing behind the node's end");
	}
	cr_assert(memcmp(seeds[0], seeds[1], 32) != 0);
}

Test(boot_params_x86, a_device_tree_excludes_acpi)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_DT, 1, 1);
	struct boot_report report = { .initrd_start = 0 };
	struct guest_memory mem = fixture_ram(64 * MIB);
	struct kernel_image k = kernel();
	struct setup_data node;
	struct boot_params p;

	cr_assert_eq(boot_params_x86_write(&machine, &k, &report, "", 0x777, &mem, &err), 0);
	p = read_params(&mem);
	cr_assert_eq(p.acpi_rsdp_addr, 0);
	cr_assert_eq(p.hdr.setup_data, LAYOUT_SETUP_DATA);
	cr_assert_eq(p.hdr.ramdisk_size, 0);
	cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_SETUP_DATA), &node, sizeof(node)), 0);
	cr_assert_eq(node.next, LAYOUT_RNG_SEED);
	cr_assert_eq(node.type, SETUP_DTB);
	cr_assert_eq(node.len, 0x777);
}

static int with_cmdline(size_t len, uint32_t limit)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 0);
	struct guest_memory mem = fixture_ram(64 * MIB);
	struct boot_report report = { .initrd_start = 0 };
	struct kernel_image k = kernel();
	char *line = malloc(len + 1);
	char last[2];
	int r;

	memset(line, 'x', len);
	line[len] = '\0';
	k.header.cmdline_size = limit;
	r = boot_params_x86_write(&machine, &k, &report, line, 0, &mem, &err);
	if (r == 0) {
		cr_assert_eq(guest_memory_read(&mem, gpa(LAYOUT_CMDLINE + len - 1), last, 2), 0);
		cr_assert_eq(last[0], 'x');
		cr_assert_eq(last[1], '\0');
	}
	free(line);
	return r;
}

/*
 * bad input: Command line: a kernel command line that is one byte too long for the kernel ->
 * refused
 */
Test(boot_params_x86, command_line_one_byte_too_long)
{
	cr_assert_eq(with_cmdline(2047, 2047), 0);
	cr_assert_eq(with_cmdline(2048, 2047), -E2BIG);
	cr_assert_not_null(strstr(err.text, "2048"), "%s", err.text);
	cr_assert_not_null(strstr(err.text, "2047"), "%s", err.text);
	/* A kernel that promises more than there is room for. */
	cr_assert_eq(with_cmdline(LAYOUT_CMDLINE_MAX - 1, UINT32_MAX), 0);
	cr_assert_eq(with_cmdline(LAYOUT_CMDLINE_MAX, UINT32_MAX), -E2BIG);
}

Test(boot_params_x86, needs_low_ram)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 0);
	struct boot_report report = { .initrd_start = 0 };
	struct guest_memory none = { .count = 0 };
	struct kernel_image k = kernel();

	cr_assert_eq(boot_params_x86_write(&machine, &k, &report, "", 0, &none, &err), -EFAULT);
}
