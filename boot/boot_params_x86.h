/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zero page and what it points to: the command line and the setup_data nodes, one for a device
 * tree and one with a seed for random numbers (the kernel's Documentation/arch/x86/boot.rst and
 * zero-page.rst).
 */
#pragma once

#include "boot/boot.h"
#include "boot/kernel_image.h"

/*
 * Writes the zero page to LAYOUT_ZERO_PAGE and @cmdline to LAYOUT_CMDLINE. @report has the place of
 * the initrd. @dtb_size is the size of the device tree behind the header of the setup_data node at
 * LAYOUT_SETUP_DATA. If it is 0, the zero page names the ACPI tables at LAYOUT_ACPI instead.
 * -E2BIG for a command line that is too long for this kernel, -EFAULT where there is no RAM.
 */
int boot_params_x86_write(const struct boot_machine *machine, const struct kernel_image *kernel,
			  const struct boot_report *report, const char *cmdline, uint32_t dtb_size,
			  const struct guest_memory *mem, struct error *err);
