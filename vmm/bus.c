// SPDX-License-Identifier: Apache-2.0
/* Looks up who serves an address. */
#include "vmm/bus.h"

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

		if (!region->size || __builtin_add_overflow(region->start, region->size - 1, &last))
			return -EINVAL;
		for (unsigned other = 0; other < count; other++)
			if (overlaps(region, bus->regions[other]))
				return -EEXIST;
		if (count == BUS_MAX_REGIONS)
			return -ENOSPC;
		bus->regions[count++] = region;
	}
	/* Pairs with the load in find: who sees the count sees the regions. */
	__atomic_store_n(&bus->count, count, __ATOMIC_RELEASE);
	return 0;
}

int bus_add(struct bus *bus, struct bus_region *region)
{
	return bus_add_all(bus, &region, 1);
}

static struct bus_region *find(const struct bus *bus, uint64_t addr, unsigned size)
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

int bus_access(const struct bus *bus, uint64_t addr, void *data, unsigned size, bool write)
{
	struct bus_region *region = find(bus, addr, size);
	uint64_t value = 0;

	if (region && region->ops->access)
		return region->ops->access(region, addr - region->start, data, size, write);
	if (write) {
		memcpy(&value, data, size);
		bus_write(bus, addr, size, value);
	} else {
		value = bus_read(bus, addr, size);
		memcpy(data, &value, size);
	}
	return 0;
}
