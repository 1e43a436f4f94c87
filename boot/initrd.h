/* SPDX-License-Identifier: Apache-2.0 */
/* The initial RAM disk: loaded as high in memory as the kernel can access it. */
#pragma once

#include "boot/kernel_image.h"
#include "vmm/base/guest_memory.h"

/*
 * Loads @file at the highest page that initrd_addr_max and @low_ram (the end of RAM below the
 * device hole) allow. Returns 0, or -errno with @err set: -E2BIG where it does not fit above
 * @kernel.
 */
int initrd_load(const struct input_file *file, const struct guest_memory *mem,
		const struct kernel_image *kernel, uint64_t low_ram, uint64_t *ret_start,
		uint64_t *ret_size, struct error *err);
