/* SPDX-License-Identifier: Apache-2.0 */
/* An uncompressed vmlinux, or any ELF file that keeps to the same entry contract. */
#pragma once

#include "boot/kernel_image.h"
#include "vmm/base/guest_memory.h"

/*
 * See kernel_file_load. Takes little-endian x86-64 ET_EXEC and ET_DYN files; each PT_LOAD segment
 * goes to its p_paddr, without relocation. The entry point may be a physical address, as in Linux,
 * or a virtual one within a segment.
 */
int elf_load(const struct input_file *file, const struct guest_memory *mem, uint64_t low_ram,
	     struct kernel_image *ret_image, struct error *err);
