// SPDX-License-Identifier: Apache-2.0
/* The order in which a machine is made ready to boot; each step has a file of its own. */
#include "boot/boot.h"

#include "boot/acpi_x86.h"
#include "boot/boot_params_x86.h"
#include "boot/devicetree.h"
#include "boot/entry_x86.h"
#include "boot/initrd.h"
#include "boot/input_file.h"
#include "boot/kernel_file.h"
#include "vmm/base/layout.h"

#include <errno.h>

/* Builds the tables in place. @ret_dtb_size is 0 for ACPI. */
static int describe(const struct boot_machine *machine, const struct guest_memory *mem,
		    uint32_t *ret_dtb_size, struct error *err)
{
	uint64_t node = sizeof(struct setup_data);
	struct acpi_x86_tables tables;
	void *to;

	*ret_dtb_size = 0;
	if (machine->platform == BOOT_PLATFORM_ACPI) {
		to = guest_memory_ram(mem, gpa(LAYOUT_ACPI), LAYOUT_ACPI_MAX);
		return to ? acpi_x86_build(machine, to, LAYOUT_ACPI_MAX, &tables, err)
			  : error_set(err, EFAULT, "no RAM below 1 MiB for ACPI tables");
	}
	to = guest_memory_ram(mem, gpa(LAYOUT_SETUP_DATA + node), LAYOUT_SETUP_DATA_MAX - node);
	return to ? devicetree_build(machine, to, LAYOUT_SETUP_DATA_MAX - node, ret_dtb_size, err)
		  : error_set(err, EFAULT, "no RAM below 1 MiB for the device tree");
}

int boot_load(const struct boot_machine *machine, const struct boot_source *source,
	      const struct guest_memory *mem, struct boot_entry *ret_entry,
	      struct boot_report *ret_report, struct error *err)
{
	uint64_t low_ram =
		machine->ram_size < LAYOUT_LOW_RAM_MAX ? machine->ram_size : LAYOUT_LOW_RAM_MAX;
	struct boot_report report = { 0 };
	struct kernel_image kernel;
	uint32_t dtb_size;
	int r;

	r = kernel_file_load(&source->kernel, mem, low_ram, &kernel, err);
	if (r < 0)
		return r;
	report.format = kernel.format == KERNEL_ELF ? "ELF" : "bzImage";
	report.kernel_start = kernel.start;
	report.kernel_size = kernel.size;
	if (source->initrd.size) {
		r = initrd_load(&source->initrd, mem, &kernel, low_ram, &report.initrd_start,
				&report.initrd_size, err);
		if (r < 0)
			return r;
	}
	r = describe(machine, mem, &dtb_size, err);
	if (r < 0)
		return r;
	r = boot_params_x86_write(machine, &kernel, &report, source->cmdline, dtb_size, mem, err);
	if (r < 0)
		return r;
	r = entry_x86_write(kernel.entry, mem, ret_entry, err);
	if (r < 0)
		return r;
	*ret_report = report;
	return 0;
}
