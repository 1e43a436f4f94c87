/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzImage by the 64-bit boot protocol (the kernel's Documentation/arch/x86/boot.rst). Start reading
 * at bzimage_x86_load.
 */
#pragma once

#include "boot/kernel_image.h"
#include "vmm/base/guest_memory.h"

/*
 * Reads the setup header and checks everything in it that does not depend on the machine.
 * @ret_setup_size is the offset of the protected-mode kernel in the file. -EINVAL with @err set for
 * a header that is cut off, too old, or that contradicts itself or the file's size.
 */
int bzimage_x86_read_header(const struct input_file *file, struct setup_header *ret_header,
			    uint64_t *ret_setup_size, struct error *err);

/* See kernel_file_load. */
int bzimage_x86_load(const struct input_file *file, const struct guest_memory *mem,
		     uint64_t low_ram, struct kernel_image *ret_image, struct error *err);
