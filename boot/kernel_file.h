/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel of either format, and what the rest of the boot needs to know about it once it lies in
 * guest memory. Start reading at kernel_file_load; bzimage.c and elf.c do the work.
 */
#ifndef MVMM_BOOT_KERNEL_FILE_H
#define MVMM_BOOT_KERNEL_FILE_H

#include "boot/input_file.h"
#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"

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
 * Tells the formats apart by their magic numbers. -EINVAL with @err set for anything else, and for
 * a file too short to tell.
 */
int kernel_file_identify(const struct input_file *file, enum kernel_format *ret_format,
			 struct error *err);

/*
 * Loads the kernel into @mem, whose RAM starts at 0 and is @low_ram bytes long below the device
 * hole. Returns 0, or -EINVAL for a file that no boot protocol covers, -E2BIG for one that needs
 * more memory, -errno of reading it.
 */
int kernel_file_load(const struct input_file *file, const struct guest_memory *mem,
		     uint64_t low_ram, struct kernel_image *ret_image, struct error *err);

/*
 * For the two formats: 0 if [@start, @start + @size) is memory that a kernel may have, between
 * LAYOUT_HIGH_RAM and @low_ram; else -EINVAL or -E2BIG, with the --memory that would do in @err.
 */
int kernel_file_check_place(const struct input_file *file, uint64_t start, uint64_t size,
			    uint64_t low_ram, struct error *err);

#endif
