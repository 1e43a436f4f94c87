/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to whom it belongs: one bus for ports, one for memory-mapped registers. Regions
 * are only ever added, by one thread, also while vCPUs run; so vCPUs look up without a lock.
 *
 * A region's handlers run on the vCPU's thread, or on the event loop's while the vCPU waits: its
 * needs_loop decides, for each access.
 *
 * - On the loop: what reads or changes the state of a device, since devices have no locks. It must
 *   be rare, as at probe and reset, because it takes two threads to wake up; and it must wait for
 *   nothing, storage and vCPUs least of all, because every device of the VM waits with it.
 * - On the vCPU: what is answered from memory that anybody may read, from an atomic word or under a
 *   lock of its own; what comes often, like each byte of a serial port; and what waits for
 *   storage, like a page of a file.
 *
 * Either way the access is complete before the guest's next instruction.
 */
#ifndef MVMM_VMM_BUS_H
#define MVMM_VMM_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct bus_region;
struct event_loop;

struct bus_ops {
	/* @size is 1, 2, 4 or 8; the whole access lies within the region. */
	uint64_t (*read)(struct bus_region *region, uint64_t offset, unsigned size);
	void (*write)(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value);
	/* Instead of both, where the host can fail: loads @size bytes to @data, or stores them. */
	int (*access)(struct bus_region *region, uint64_t offset, void *data, unsigned size,
		      bool write);
	/* Whether the access has to be made on the loop's thread. NULL: none has. */
	bool (*needs_loop)(struct bus_region *region, uint64_t offset, unsigned size, bool write);
};

/* Embedded in the object that serves it, and found back by container_of. */
struct bus_region {
	uint64_t start;
	uint64_t size;
	const struct bus_ops *ops;
};

#define BUS_MAX_REGIONS 64

/* Zeroed it is empty. */
struct bus {
	struct bus_region *regions[BUS_MAX_REGIONS]; /* borrowed */
	unsigned count;				     /* atomic: those before it never change */
	struct event_loop *loop; /* borrowed; set before a region that needs it is added */
};

/*
 * From here on vCPUs find @region, which must be ready for them and stay. -EINVAL: empty or
 * wrapping. -EEXIST: overlaps. -ENOSPC: full.
 */
int bus_add(struct bus *bus, struct bus_region *region);

/* The same for @n regions: all, or none. */
int bus_add_all(struct bus *bus, struct bus_region *const *regions, unsigned n);

/*
 * Loads @size bytes to @data, or stores them; from a vCPU's thread. What nobody answers reads as
 * all ones, as on a PC, and what nobody takes is dropped; likewise what needs the loop once that is
 * closed. 0, or what the region's access says: then the access was not made.
 */
int bus_access(const struct bus *bus, uint64_t addr, void *data, unsigned size, bool write);

#endif
