// SPDX-License-Identifier: Apache-2.0
/* Looks up who serves an address. */
#include "vmm/bus.h"

#include <errno.h>
#include <stddef.h>

int bus_add(struct bus *bus, struct bus_region *region)
{
	uint64_t last;

	if (!region->size || __builtin_add_overflow(region->start, region->size - 1, &last))
		return -EINVAL;
	for (unsigned i = 0; i < bus->count; i++) {
		const struct bus_region *other = bus->regions[i];

		if (other == region) /* it was removed, and comes back */
			return 0;
		if (other->size && region->start <= other->start + (other->size - 1) &&
		    other->start <= last)
			return -EEXIST;
	}
	if (bus->count == BUS_MAX_REGIONS)
		return -ENOSPC;
	bus->regions[bus->count] = region;
	/* Pairs with the load in find: who sees the count sees the region. */
	__atomic_store_n(&bus->count, bus->count + 1, __ATOMIC_RELEASE);
	return 0;
}

static struct bus_region *find(const struct bus *bus, uint64_t addr, unsigned size)
{
	unsigned count = __atomic_load_n(&bus->count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++) {
		struct bus_region *region = bus->regions[i];
		uint64_t offset = addr - region->start;
		uint64_t len = __atomic_load_n(&region->size, __ATOMIC_RELAXED);

		if (offset < len && size <= len - offset)
			return region;
	}
	return NULL;
}

void bus_remove(struct bus_region *region)
{
	__atomic_store_n(&region->size, 0, __ATOMIC_RELAXED);
}

uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size)
{
	struct bus_region *region = find(bus, addr, size);

	return region ? region->ops->read(region, addr - region->start, size) : ~0ULL;
}

void bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
	struct bus_region *region = find(bus, addr, size);

	if (region)
		region->ops->write(region, addr - region->start, size, value);
}
