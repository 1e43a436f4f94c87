/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to whom it belongs: one bus for ports, one for memory-mapped registers. Regions
 * are only ever added, by one thread, also while vCPUs run; so vCPUs look up without a lock. The
 * handlers run on the vCPU's thread.
 */
#ifndef MVMM_VMM_BUS_H
#define MVMM_VMM_BUS_H

#include <stdint.h>

struct bus_region;

struct bus_ops {
	/* @size is 1, 2, 4 or 8; the whole access lies within the region. */
	uint64_t (*read)(struct bus_region *region, uint64_t offset, unsigned size);
	void (*write)(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value);
};

/* Embedded in the object that serves it, and found back by container_of. */
struct bus_region {
	uint64_t start;
	uint64_t size; /* atomic: 0 when it was removed */
	const struct bus_ops *ops;
};

#define BUS_MAX_REGIONS 64

struct bus {
	struct bus_region *regions[BUS_MAX_REGIONS]; /* borrowed */
	unsigned count;				     /* atomic: those before it never change */
};

/* -EINVAL: empty or wrapping. -EEXIST: overlaps. -ENOSPC: full. */
int bus_add(struct bus *bus, struct bus_region *region);

/* @region, which need not be there, is not found any more. Its memory must stay: a vCPU may look.
 */
void bus_remove(struct bus_region *region);

/* What nobody answers reads as all ones, as on a PC. */
uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size);

/* What nobody takes is dropped. */
void bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value);

#endif
