/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's RAM: anonymous memory that is allocated when it is touched. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"

#include <stdbool.h>
#include <stdint.h>

struct ram {
	void *host; /* owned mapping, guest memory */
	uint64_t size;
	/* Borrowed: the file that a restored VM's memory is mapped from, and where in it the one or
	 * two regions are. -1: none. */
	int base_fd;
	uint64_t base_offsets[2];
	uint64_t base_size; /* how many bytes the file must have */
};

/* Whether the file below RAM has been truncated: the guest has lost memory. From any thread. */
bool ram_has_lost_its_file(const struct ram *ram);

/*
 * Maps @size bytes at a 2 MiB boundary and adds them to @mem as layout.h says: up to
 * LAYOUT_LOW_RAM_MAX from 0, the rest from LAYOUT_ABOVE_4G. -errno with @err set.
 */
int ram_init(struct ram *ram, uint64_t size, struct guest_memory *mem, struct error *err);

/* Takes a zeroed one. */
void ram_fini(struct ram *ram);
