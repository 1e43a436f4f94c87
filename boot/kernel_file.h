/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognises a kernel's format, which bzimage_x86.c or elf.c then loads. Start reading at
 * kernel_file_load.
 */
#pragma once

#include "boot/kernel_image.h"
#include "vmm/base/guest_memory.h"

#include <stdint.h>

/*
 * Recognises the format by its magic number. -EINVAL with @err set for any other file, and for one
 * that is too short.
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
