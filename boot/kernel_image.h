/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of the boot needs to know about a kernel, of either format, once it lies in guest
 * memory.
 */
#pragma once

#include "boot/input_file.h"
#include "vmm/base/error.h"

#include <asm/bootparam.h>
#include <stdint.h>

enum kernel_format { KERNEL_BZIMAGE, KERNEL_ELF };

struct kernel_image {
	enum kernel_format format;
	/* Guest-physical memory that is the kernel's alone, its bss and scratch space included. */
	uint64_t start, size;
	uint64_t entry; /* guest-physical, entered in 64-bit mode */
	/* For boot_params: a checked copy for a bzImage, made up for an ELF file. */
	struct setup_header header;
};

/*
 * Returns 0 if [@start, @start + @size) lies between LAYOUT_HIGH_RAM and @low_ram, where a kernel
 * may be loaded. Else -EINVAL or -E2BIG; @err then names the --memory that is enough, if any is.
 */
int kernel_image_check_place(const struct input_file *file, uint64_t start, uint64_t size,
			     uint64_t low_ram, struct error *err);
