/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the device of an address: one bus for ports, one for memory-mapped registers. One thread
 * adds regions, also while vCPUs run, and none is ever removed; so vCPUs look up without a lock.
 *
 * A region's handlers run on the vCPU's thread, or on the event loop's while the vCPU waits, as its
 * enum bus_thread says.
 *
 * - On the loop: accesses that read or change the state of a device, since devices have no locks.
 *   They must be rare, as at probe and reset, because they wake up two threads. And they must wait
 *   for nothing, least of all storage and vCPUs, because every device of the VM waits with them.
 * - On the vCPU: accesses that are answered from memory that any thread may read, from an atomic
 *   word or under a lock; those that come often, like each byte of a serial port; and those that
 *   wait for storage, like a page of a file.
 *
 * Either way the access is complete before the guest's next instruction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bus_region;
struct event_loop;

/* On which thread accesses are made. */
enum bus_thread {
	BUS_ON_VCPU,
	BUS_ON_LOOP,
	BUS_STORES_ON_LOOP, /* loads on the vCPU */
	BUS_ASK,	    /* needs_loop decides, for each access */
};

struct bus_ops {
	enum bus_thread thread;
	/* @size is 1, 2, 4 or 8; the whole access lies within the region. */
	uint64_t (*read)(struct bus_region *region, uint64_t offset, unsigned size);
	void (*write)(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value);
	/* Instead of both, if the host can fail: loads @size bytes to @data, or stores them. */
	int (*access)(struct bus_region *region, uint64_t offset, void *data, unsigned size,
		      bool write);
	/* For BUS_ASK: whether the loop's thread has to make the access. */
	bool (*needs_loop)(struct bus_region *region, uint64_t offset, unsigned size, bool write);
};

/* Embedded in the object that serves it, and found by container_of. */
struct bus_region {
	uint64_t start;
	uint64_t size;
	const struct bus_ops *ops;
};

#define BUS_MAX_REGIONS 64

struct bus {
	struct bus_region *regions[BUS_MAX_REGIONS]; /* borrowed */
	unsigned count;				     /* atomic: those before it never change */
	struct event_loop *loop; /* borrowed; must be set before a region that needs it is added */
};

/*
 * From here on vCPUs find @region, which must be ready and stay in place. -EINVAL: empty or
 * wrapping. -EEXIST: overlaps. -ENOSPC: full.
 */
int bus_add(struct bus *bus, struct bus_region *region);

/* Adds @n regions: all, or none. */
int bus_add_all(struct bus *bus, struct bus_region *const *regions, unsigned n);

/*
 * Loads @size bytes to @data, or stores them; from a vCPU's thread. Without a region a load reads
 * all ones, as on a PC, and a store is discarded; likewise if the access needs the loop and that is
 * closed. 0, or what the region's access returns: then the access was not made.
 */
int bus_access(const struct bus *bus, uint64_t addr, void *data, unsigned size, bool write);
