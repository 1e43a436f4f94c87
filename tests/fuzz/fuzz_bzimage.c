// SPDX-License-Identifier: Apache-2.0
// Covers: boot/bzimage_x86.c boot/boot_params_x86.c boot/initrd.c boot/e820_x86.c
// boot/kernel_file.c
/*
 * Any bytes as a bzImage, loaded, with an initrd behind it and its header in the zero page. What is
 * accepted lies in RAM above 1 MiB, enters itself, and overlaps nothing.
 */
#include "boot/boot_params_x86.h"
#include "boot/bzimage_x86.h"
#include "boot/initrd.h"
#include "tests/fuzz/file.h"
#include "vmm/base/layout.h"

#include <asm/bootparam.h>

static const struct input_file *initrd(void)
{
	static struct input_file file = { .what = "--initrd", .path = "initrd" };

	if (!file.size) {
		file.fd = memfd_create("initrd", MFD_CLOEXEC);
		file.size = 5000;
		fuzz_check(file.fd >= 0 && ftruncate(file.fd, (off_t)file.size) == 0);
	}
	return &file;
}

/* The zero page lies below 1 MiB, where only we may write. */
static void write_params(const struct kernel_image *image, const struct boot_report *report)
{
	static uint8_t low[FUZZ_LOW_RAM_END];
	const struct boot_machine machine = { .ram_size = FUZZ_RAM_SIZE,
					      .cpus = 1,
					      .topology = { 1, 1, 1 } };
	struct guest_memory memory = { .count = 0 };
	const struct boot_params *params = (void *)(low + LAYOUT_ZERO_PAGE);
	struct error err = { 0 };

	memset(low, 0, sizeof(low));
	guest_memory_add(&memory, gpa(0), sizeof(low), low, GUEST_RAM);
	if (boot_params_x86_write(&machine, image, report, "console=ttyS0", 0, &memory, &err) < 0) {
		fuzz_check(*err.text);
		return;
	}
	fuzz_check(params->hdr.ramdisk_image == report->initrd_start);
	fuzz_check(params->e820_entries > 0);
}

/* The boot protocol's setup_sects, where 0 means 4, and its 64-bit entry point. */
static uint64_t entry_offset(const uint8_t *data)
{
	return ((data[0x1f1] ? data[0x1f1] : 4) + 1) * 512ULL + 0x200;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guest_memory *memory = fuzz_ram();
	const struct input_file *file = fuzz_file(data, size);
	struct boot_report report = { 0 };
	struct kernel_image image;
	struct error err = { 0 };

	if (!size)
		return -1;
	if (bzimage_x86_load(file, memory, FUZZ_RAM_SIZE, &image, &err) < 0) {
		fuzz_check(*err.text);
		return 0;
	}
	fuzz_check(image.start >= FUZZ_LOW_RAM_END && image.start <= FUZZ_RAM_SIZE);
	fuzz_check(image.size <= FUZZ_RAM_SIZE - image.start);
	fuzz_check(image.entry >= image.start && image.entry - image.start < image.size);
	fuzz_check(entry_offset(data) < size, "enters what the file does not have");
	report.kernel_start = image.start;
	report.kernel_size = image.size;
	if (initrd_load(initrd(), memory, &image, FUZZ_RAM_SIZE, &report.initrd_start,
			&report.initrd_size, &err) == 0) {
		fuzz_check(report.initrd_start >= image.start + image.size);
		fuzz_check(report.initrd_size <= FUZZ_RAM_SIZE - report.initrd_start);
		fuzz_check(report.initrd_start + report.initrd_size - 1 <=
			   image.header.initrd_addr_max);
	}
	write_params(&image, &report);
	return 0;
}
