// SPDX-License-Identifier: Apache-2.0
/* Makes an access on the right thread. Start reading at bus_access. */
#include "vmm/kvm/bus.h"

#include "vmm/base/container_of.h"
#include "vmm/base/event_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool overlaps(const struct bus_region *a, const struct bus_region *b)
{
	return a->start <= b->start + (b->size - 1) && b->start <= a->start + (a->size - 1);
}

int bus_add_all(struct bus *bus, struct bus_region *const *regions, unsigned n)
{
	unsigned count = bus->count;
	uint64_t last;

	for (unsigned i = 0; i < n; i++) {
		struct bus_region *region = regions[i];

		assert(bus->loop || region->ops->thread == BUS_ON_VCPU);
		if (!region->size || __builtin_add_overflow(region->start, region->size - 1, &last))
			return -EINVAL;
		for (unsigned other = 0; other < count; other++)
			if (overlaps(region, bus->regions[other]))
				return -EEXIST;
		if (count == BUS_MAX_REGIONS)
			return -ENOSPC;
		bus->regions[count++] = region;
	}
	/* Pairs with the load in find_region: a thread that sees the count also sees the regions.
	 */
	__atomic_store_n(&bus->count, count, __ATOMIC_RELEASE);
	return 0;
}

int bus_add(struct bus *bus, struct bus_region *region)
{
	return bus_add_all(bus, &region, 1);
}

static struct bus_region *find_region(const struct bus *bus, uint64_t addr, unsigned size)
{
	unsigned count = __atomic_load_n(&bus->count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++) {
		struct bus_region *region = bus->regions[i];
		uint64_t offset = addr - region->start;

		if (offset < region->size && size <= region->size - offset)
			return region;
	}
	return NULL;
}

/* An access on its way to the thread that makes it. */
struct access {
	struct event_call call;
	struct bus_region *region;
	uint64_t offset;
	void *data;
	unsigned size;
	bool write;
	int ret;
};

static void make_access(struct access *a)
{
	const struct bus_ops *ops = a->region->ops;
	uint64_t value = 0;

	if (ops->access) {
		a->ret = ops->access(a->region, a->offset, a->data, a->size, a->write);
	} else if (a->write) {
		memcpy(&value, a->data, a->size);
		ops->write(a->region, a->offset, a->size, value);
	} else {
		value = ops->read(a->region, a->offset, a->size);
		memcpy(a->data, &value, a->size);
	}
}

static void make_access_on_loop(struct event_call *call)
{
	make_access(container_of(call, struct access, call));
}

static bool needs_loop(const struct access *a)
{
	const struct bus_ops *ops = a->region->ops;

	switch (ops->thread) {
	case BUS_ON_VCPU:
		return false;
	case BUS_ON_LOOP:
		return true;
	case BUS_STORES_ON_LOOP:
		return a->write;
	case BUS_ASK:
		break;
	}
	return ops->needs_loop(a->region, a->offset, a->size, a->write);
}

/* False: the access was not made, because the loop is closed. */
static bool dispatch(const struct bus *bus, struct access *a)
{
	if (needs_loop(a))
		return event_loop_call(bus->loop, &a->call) == 0;
	make_access(a);
	return true;
}

int bus_access(const struct bus *bus, uint64_t addr, void *data, unsigned size, bool write)
{
	struct access access = {
		.call.run = make_access_on_loop,
		.region = find_region(bus, addr, size),
		.data = data,
		.size = size,
		.write = write,
	};

	if (access.region)
		access.offset = addr - access.region->start;
	if ((!access.region || !dispatch(bus, &access)) && !write)
		memset(data, 0xff, size);
	return access.ret;
}
