// SPDX-License-Identifier: Apache-2.0
/* Puts the ways out of the machine and platform events on the buses. */
#include "vmm/wiring/power_bus.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

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

/* The second byte of the memory-mapped one is nothing. */
static uint64_t panic_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	(void)size;
	return offset ? 0 : power_panic_read(&container_of(region, struct power_bus, panic)->power);
}

static void panic_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	(void)size;
	if (offset == 0)
		power_panic_write(&container_of(region, struct power_bus, panic)->power,
				  (uint8_t)value);
}

static const struct bus_ops panic_ops = { .read = panic_read, .write = panic_write };

static uint64_t panic_port_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	(void)offset;
	(void)size;
	return power_panic_read(&container_of(region, struct power_bus, panic_port)->power);
}

static void panic_port_write(struct bus_region *region, uint64_t offset, unsigned size,
			     uint64_t value)
{
	(void)offset;
	(void)size;
	power_panic_write(&container_of(region, struct power_bus, panic_port)->power,
			  (uint8_t)value);
}

static const struct bus_ops panic_port_ops = { .read = panic_port_read, .write = panic_port_write };

static uint64_t read_zero(struct bus_region *region, uint64_t offset, unsigned size)
{
	(void)region;
	(void)offset;
	(void)size;
	return 0;
}

static void exit_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	(void)offset;
	(void)size;
	power_exit_write(&container_of(region, struct power_bus, exit)->power, (uint8_t)value);
}

static const struct bus_ops exit_ops = { .read = read_zero, .write = exit_write };

static void exit_port_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	(void)offset;
	(void)size;
	power_exit_write(&container_of(region, struct power_bus, exit_port)->power, (uint8_t)value);
}

static const struct bus_ops exit_port_ops = { .read = read_zero, .write = exit_port_write };

static void debug_exit_write(struct bus_region *region, uint64_t offset, unsigned size,
			     uint64_t value)
{
	(void)offset;
	(void)size;
	power_debug_exit_write(&container_of(region, struct power_bus, debug_exit_ports)->power,
			       value);
}

static const struct bus_ops debug_exit_ops = { .read = read_zero, .write = debug_exit_write };

int power_bus_init(struct power_bus *power, const struct power_ops *ops, const struct kvm *kvm,
		   struct bus *mmio, struct bus *ports, bool has_debug_exit, struct error *err)
{
	struct bus_region *const registers[] = { &power->registers, &power->panic, &power->exit };
	struct bus_region *const all_ports[] = { &power->i8042_port, &power->panic_port,
						 &power->exit_port, &power->debug_exit_ports };
	int ret;

	power->power.ops = ops;
	power->registers =
		(struct bus_region){ LAYOUT_POWER_BASE, LAYOUT_POWER_SIZE, &registers_ops };
	power->panic = (struct bus_region){ LAYOUT_PANIC_BASE, LAYOUT_PANIC_SIZE, &panic_ops };
	power->i8042_port = (struct bus_region){ LAYOUT_I8042_PORT, 1, &i8042_ops };
	power->panic_port = (struct bus_region){ LAYOUT_PANIC_PORT, 1, &panic_port_ops };
	power->exit_port = (struct bus_region){ LAYOUT_EXIT_PORT, 1, &exit_port_ops };
	power->exit = (struct bus_region){ LAYOUT_EXIT_BASE, 1, &exit_ops };
	power->debug_exit_ports = (struct bus_region){ LAYOUT_DEBUG_EXIT_PORT,
						       LAYOUT_DEBUG_EXIT_PORTS, &debug_exit_ops };
	kvm_line_init(&power->interrupt, kvm, LAYOUT_POWER_GSI);
	platform_events_init(&power->events, &power->interrupt.line);
	ret = bus_add_all(mmio, registers, 3);
	if (ret == 0)
		ret = bus_add_all(ports, all_ports, has_debug_exit ? 4 : 3);
	return ret < 0 ? error_set(err, -ret, "no place for the power registers: %s",
				   strerror(-ret))
		       : 0;
}
