/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zero page and what it points to: the command line and the setup_data nodes, one for a device
 * tree and one with a seed for random numbers (the kernel's Documentation/arch/x86/boot.rst and
 * zero-page.rst).
 */
#ifndef MVMM_BOOT_BOOT_PARAMS_H
#define MVMM_BOOT_BOOT_PARAMS_H

#include "boot/boot.h"
#include "boot/kernel_file.h"

/*
 * Writes the zero page to LAYOUT_ZERO_PAGE and @cmdline to LAYOUT_CMDLINE. The initrd's place is
 * @report's. @dtb_size says how many bytes of device tree lie behind the header of the setup_data
 * node at LAYOUT_SETUP_DATA; 0 for none, and then the ACPI tables at LAYOUT_ACPI are announced.
 * -E2BIG for a command line that is too long for this kernel, -EFAULT where there is no RAM.
 */
int boot_params_write(const struct boot_machine *machine, const struct kernel_image *kernel,
		      const struct boot_report *report, const char *cmdline, uint32_t dtb_size,
		      const struct guest_memory *mem, struct error *err);

#endif
