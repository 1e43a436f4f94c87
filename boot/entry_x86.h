/* SPDX-License-Identifier: Apache-2.0 */
/* The state that the 64-bit boot protocol asks for: an identity map and flat segments. */
#pragma once

#include "boot/boot.h"

/*
 * Writes GDT and page tables for the first 4 GiB to their places in layout.h and fills
 * @ret_entry for a start at @rip. -EFAULT with @err set where there is no RAM.
 */
int entry_x86_write(uint64_t rip, const struct guest_memory *mem, struct boot_entry *ret_entry,
		    struct error *err);
