/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to whom it belongs: one bus for ports, one for memory-mapped registers. Regions
 * are only ever added, by one thread, also while vCPUs run; so vCPUs look up without a lock. The
 * handlers run on the vCPU's thread.
 */
#ifndef MVMM_VMM_BUS_H
#define MVMM_VMM_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct bus_region;

struct bus_ops {
	/* @size is 1, 2, 4 or 8; the whole access lies within the region. */
	uint64_t (*read)(struct bus_region *region, uint64_t offset, unsigned size);
	void (*write)(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value);
	/* Instead of both, where the host can fail: loads @size bytes to @data, or stores them. */
	int (*access)(struct bus_region *region, uint64_t offset, void *data, unsigned size,
		      bool write);
};

/* Embedded in the object that serves it, and found back by container_of. */
struct bus_region {
	uint64_t start;
	uint64_t size;
	const struct bus_ops *ops;
};

#define BUS_MAX_REGIONS 64

struct bus {
	struct bus_region *regions[BUS_MAX_REGIONS]; /* borrowed */
	unsigned count;				     /* atomic: those before it never change */
};

/*
 * From here on vCPUs find @region, which must be ready for them and stay. -EINVAL: empty or
 * wrapping. -EEXIST: overlaps. -ENOSPC: full.
 */
int bus_add(struct bus *bus, struct bus_region *region);

/* The same for @n regions: all, or none. */
int bus_add_all(struct bus *bus, struct bus_region *const *regions, unsigned n);

/*
 * Loads @size bytes to @data, or stores them. 0, or what the region's access says: then the access
 * was not made.
 */
int bus_access(const struct bus *bus, uint64_t addr, void *data, unsigned size, bool write);

/*
 * The same by value, for a bus where no access can fail. What nobody answers reads as all ones, as
 * on a PC.
 */
uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size);

/* What nobody takes is dropped. */
void bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value);

#endif
