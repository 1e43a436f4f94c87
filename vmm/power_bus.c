// SPDX-License-Identifier: Apache-2.0
/* Puts power-off, reset and platform events on the buses. */
#include "vmm/power_bus.h"

#include "boot/layout.h"
#include "vmm/container_of.h"

#include <string.h>

static uint64_t registers_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct power_bus *power = container_of(region, struct power_bus, registers);

	if (offset == LAYOUT_POWER_EVENTS && size == 4)
		return platform_events_read(&power->events);
	return power_read(&power->power, offset);
}

static void registers_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	(void)size;
	power_write(&container_of(region, struct power_bus, registers)->power, offset, value);
}

static const struct bus_ops registers_ops = { .read = registers_read, .write = registers_write };

static uint64_t i8042_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	(void)offset;
	(void)size;
	return power_i8042_read(&container_of(region, struct power_bus, i8042_port)->power);
}

static void i8042_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	(void)offset;
	(void)size;
	power_i8042_write(&container_of(region, struct power_bus, i8042_port)->power,
			  (uint8_t)value);
}

static const struct bus_ops i8042_ops = { .read = i8042_read, .write = i8042_write };

int power_bus_init(struct power_bus *power, const struct power_ops *ops, const struct kvm *kvm,
		   struct bus *mmio, struct bus *ports, struct error *err)
{
	int ret;

	power->power.ops = ops;
	power->registers =
		(struct bus_region){ LAYOUT_POWER_BASE, LAYOUT_POWER_SIZE, &registers_ops };
	power->i8042_port = (struct bus_region){ LAYOUT_I8042_PORT, 1, &i8042_ops };
	kvm_line_init(&power->interrupt, kvm, LAYOUT_POWER_GSI);
	platform_events_init(&power->events, &power->interrupt.line);
	ret = bus_add(mmio, &power->registers);
	if (ret == 0)
		ret = bus_add(ports, &power->i8042_port);
	return ret < 0 ? error_set(err, -ret, "no place for the power registers: %s",
				   strerror(-ret))
		       : 0;
}
