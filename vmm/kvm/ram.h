/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's RAM, which is allocated when it is touched: anonymous memory, or, if the VM can be
 * forked, a memfd. Its first fork freezes the memfd: from then on it is the base of the private
 * memory of the VM itself and of all its children.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"

#include <stdbool.h>
#include <stdint.h>

/* Below and above the hole for devices. */
#define RAM_REGIONS 2

struct ram {
	void *host; /* owned mapping, guest memory */
	uint64_t size;
	int memfd;   /* owned; 0: none */
	bool shared; /* stores go to the memfd; false once it is frozen */
	/* Borrowed: the memfd, or the file that a restored VM's memory is mapped from, and where in
	 * it the one or two regions are. -1: none. */
	int base_fd;
	uint64_t base_offsets[RAM_REGIONS];
	uint64_t base_size; /* how many bytes the file must have */
};

/*
 * Makes stores to RAM private from now on, and the memfd as it is for good, by seals. Nobody stores
 * meanwhile. On any thread. Does nothing if that was done, or if there is no memfd. -errno with
 * @err set; then the VM must not go on.
 */
int ram_freeze(struct ram *ram, struct error *err);

/* Whether the file below RAM has been truncated: the guest has lost memory. From any thread. */
bool ram_has_lost_its_file(const struct ram *ram);

/*
 * Maps @size bytes at a 2 MiB boundary and adds them to @mem as layout.h says: up to
 * LAYOUT_LOW_RAM_MAX from 0, the rest from LAYOUT_ABOVE_4G. @fork: of a memfd. -errno with @err
 * set; ram_fini in either case.
 */
int ram_init(struct ram *ram, uint64_t size, bool fork, struct guest_memory *mem,
	     struct error *err);

/* Takes a zeroed one. */
void ram_fini(struct ram *ram);
