// SPDX-License-Identifier: Apache-2.0
/* Puts the power registers and platform events on the buses. Start reading at the table. */
#include "vmm/wiring/power_bus.h"

#include "devices/platform/power_x86.h"
#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

struct power_register {
	uint64_t start, size;
	bool is_port;
	/* NULL: reads as 0. */
	uint64_t (*read)(struct power *power, uint64_t offset);
	void (*write)(struct power *power, uint64_t offset, uint64_t value);
};

static const struct power_register table[POWER_BUS_REGIONS] = {
	{ LAYOUT_POWER_BASE, LAYOUT_POWER_SIZE, false, power_read, power_write },
	{ LAYOUT_PANIC_BASE, LAYOUT_PANIC_SIZE, false, power_panic_read, power_panic_write },
	{ LAYOUT_EXIT_BASE, 1, false, NULL, power_exit_write },
	{ LAYOUT_I8042_PORT, 1, true, power_x86_i8042_read, power_x86_i8042_write },
	{ LAYOUT_PANIC_PORT, 1, true, power_panic_read, power_panic_write },
	{ LAYOUT_EXIT_PORT, 1, true, NULL, power_exit_write },
	{ LAYOUT_DEBUG_EXIT_PORT, LAYOUT_DEBUG_EXIT_PORTS, true, NULL, power_x86_debug_exit_write },
};

static uint64_t region_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct power_bus_region *r = container_of(region, struct power_bus_region, region);

	/* One register belongs to the platform events, but lies among those of power. */
	if (region->start + offset == LAYOUT_POWER_BASE + LAYOUT_POWER_EVENTS && size == 4)
		return platform_events_read(&r->power->events);
	return r->what->read ? r->what->read(&r->power->power, offset) : 0;
}

static void region_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct power_bus_region *r = container_of(region, struct power_bus_region, region);

	r->what->write(&r->power->power, offset, value);
}

static const struct bus_ops ops = { .read = region_read, .write = region_write };

int power_bus_init(struct power_bus *power, const struct power_ops *power_ops,
		   const struct kvm *kvm, struct bus *mmio, struct bus *ports, bool has_debug_exit,
		   struct error *err)
{
	int ret = 0;

	power->power.ops = power_ops;
	kvm_line_init(&power->interrupt, kvm, LAYOUT_POWER_GSI);
	platform_events_init(&power->events, &power->interrupt.line);
	for (unsigned i = 0; i < POWER_BUS_REGIONS && ret == 0; i++) {
		const struct power_register *what = &table[i];

		if (what->write == power_x86_debug_exit_write && !has_debug_exit)
			continue;
		power->regions[i] =
			(struct power_bus_region){ { what->start, what->size, &ops }, what, power };
		ret = bus_add(what->is_port ? ports : mmio, &power->regions[i].region);
	}
	return ret < 0 ? error_system(err, -ret, "cannot put the power registers on the bus") : 0;
}
