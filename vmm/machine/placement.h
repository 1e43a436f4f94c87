/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of memory devices: in one region above RAM, each at the first place where it fits, by
 * QEMU's rules and with QEMU's messages. Only numbers; it knows neither files nor KVM. Start
 * reading at placement_add.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/layout.h"

#include <stdbool.h>
#include <stdint.h>

#define PLACEMENT_MAX_DEVICES LAYOUT_VIRTIO_SLOTS

struct placement_device {
	const char *id; /* borrowed */
	uint64_t start;
	uint64_t size;
};

struct placement {
	uint64_t base;	    /* of the region that devices may lie in */
	uint64_t size;	    /* of that region; 0: no device can be added */
	uint64_t space;	    /* how much of the region all devices may use together */
	bool bounded;	    /* by maxmem; otherwise by phys_bits alone, until placement_close */
	unsigned phys_bits; /* the guest's physical address width */
	struct placement_device devices[PLACEMENT_MAX_DEVICES]; /* in ascending order */
	unsigned n_devices;
};

struct placement_options {
	uint64_t ram;	    /* bytes */
	uint64_t maxmem;    /* bytes of RAM and devices together; 0: no bound */
	unsigned slots;	    /* with maxmem: each adds 1 GiB to the region, for alignment */
	unsigned phys_bits; /* up to 52 */
};

struct placement_request {
	const char *id; /* borrowed while it is placed */
	uint64_t size;	/* bytes: a multiple of LAYOUT_PMEM_ALIGN */
	uint64_t align; /* a power of two, at least LAYOUT_PMEM_ALIGN */
	uint64_t addr;	/* its address, if @fixed */
	bool fixed;
};

/* The start of the region for @ram bytes of RAM: 4 GiB or RAM's end, at a multiple of 1 GiB. */
uint64_t placement_base(uint64_t ram);

/* Makes an empty region. -EINVAL with @err set if RAM itself is beyond @phys_bits. */
int placement_init(struct placement *placement, const struct placement_options *options,
		   struct error *err);

/*
 * Finds a free place for @request and takes it. -EINVAL with @err set (QEMU's text, without the
 * name of an option) for a bad request, -ENOSPC if there is no room; then nothing changes.
 */
int placement_add(struct placement *placement, const struct placement_request *request,
		  uint64_t *ret_start, struct error *err);

/* Frees the place at @start, if there is one. */
void placement_remove(struct placement *placement, uint64_t start);

/* Call it when all disks of the start are placed: without maxmem, no more can be added then. */
void placement_close(struct placement *placement);

uint64_t placement_used(const struct placement *placement);
