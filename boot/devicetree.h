/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as a flattened device tree, for kernels with CONFIG_OF. On x86 Linux takes memory,
 * command line and initrd from boot_params, so the tree has only processors, interrupt controllers
 * and devices.
 */
#pragma once

#include "boot/boot.h"

/* More than the largest machine's tree takes. */
#define DEVICETREE_MAX 0x8000

/*
 * Writes the tree for @machine into @buf of @cap bytes, which must be aligned to 8, and its length
 * to @ret_size. -E2BIG with @err set where it does not fit.
 */
int devicetree_build(const struct boot_machine *machine, void *buf, size_t cap, uint32_t *ret_size,
		     struct error *err);
