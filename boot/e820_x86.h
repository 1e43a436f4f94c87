/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory map that the kernel gets (ACPI 6.5 section 15). pmem is not in it, because the
 * virtio-pmem driver adds that memory itself, which fails if the map has claimed it.
 */
#pragma once

#include "boot/boot.h"

#include <asm/bootparam.h>

enum e820_type { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4 };

#define E820_MAX_ENTRIES 6

struct e820_x86_map {
	struct boot_e820_entry entries[E820_MAX_ENTRIES]; /* ascending, without overlap */
	unsigned count;
};

/* Fills @ret_map from the machine's RAM size and platform. */
void e820_x86_build(const struct boot_machine *machine, struct e820_x86_map *ret_map);

/* The name of @type for messages; static. */
const char *e820_x86_type_name(uint32_t type);
