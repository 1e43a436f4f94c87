// SPDX-License-Identifier: Apache-2.0
/* Power registers, events and the keyboard controller at their addresses. */
#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "vmm/base/layout.h"
#include "vmm/wiring/power_bus.h"

#include <criterion/criterion.h>

static struct power_bus power;
static const struct kvm kvm; /* none: its line leads nowhere */
static struct bus mmio, ports;
static int requests[5];
static uint64_t status;

static void requested(struct power *from, enum power_request request, uint64_t chosen)
{
	cr_assert(from == &power.power);
	status = chosen;
	requests[request]++;
}

static const struct power_ops ops = { .request = requested };

static void setup(void)
{
	struct error err = { 0 };

	check_eq(power_bus_init(&power, &ops, &kvm, &mmio, &ports, true, &err), 0, "%s", err.text);
}

Test(power_bus, requests, .init = setup)
{
	bus_write(&mmio, LAYOUT_POWER_BASE + LAYOUT_POWER_SLEEP_CONTROL, 1, LAYOUT_POWER_OFF_VALUE);
	check_eq(requests[POWER_OFF], 1);
	bus_write(&mmio, LAYOUT_POWER_BASE + LAYOUT_POWER_RESET, 1, LAYOUT_POWER_RESET_VALUE);
	check_eq(requests[POWER_RESET], 1);
	bus_write(&ports, LAYOUT_I8042_PORT, 1, 0xfe);
	check_eq(requests[POWER_RESET], 2);
	check_eq(bus_read(&ports, LAYOUT_I8042_PORT, 1), 0);
}

Test(power_bus, exit_status, .init = setup)
{
	bus_write(&mmio, LAYOUT_EXIT_BASE, 1, 7);
	check_eq(status, 7);
	bus_write(&ports, LAYOUT_EXIT_PORT, 1, 9);
	check_eq(status, 9);
	check_eq(bus_read(&ports, LAYOUT_EXIT_PORT, 1), 0);
	bus_write(&ports, LAYOUT_DEBUG_EXIT_PORT, 4, 3);
	check_eq(status, 7);
	check_eq(requests[POWER_EXIT], 3);
}

Test(power_bus, no_debug_exit_unless_asked_for)
{
	struct error err = { 0 };

	check_eq(power_bus_init(&power, &ops, &kvm, &mmio, &ports, false, &err), 0);
	bus_write(&ports, LAYOUT_DEBUG_EXIT_PORT, 1, 3);
	check_eq(requests[POWER_EXIT], 0);
	check_eq(bus_read(&ports, LAYOUT_DEBUG_EXIT_PORT, 1), 0xff);
}

Test(power_bus, panic, .init = setup)
{
	check_eq(bus_read(&ports, LAYOUT_PANIC_PORT, 1), 3);
	check_eq(bus_read(&mmio, LAYOUT_PANIC_BASE, 1), 3);
	check_eq(bus_read(&mmio, LAYOUT_PANIC_BASE + 1, 1), 0);
	bus_write(&ports, LAYOUT_PANIC_PORT, 1, 1);
	check_eq(requests[POWER_PANIC], 1);
	bus_write(&mmio, LAYOUT_PANIC_BASE + 1, 1, 1);
	check_eq(requests[POWER_PANIC], 1);
	bus_write(&mmio, LAYOUT_PANIC_BASE, 1, 1);
	check_eq(requests[POWER_PANIC], 2);
	bus_write(&mmio, LAYOUT_PANIC_BASE, 1, 2);
	check_eq(requests[POWER_CRASH], 1);
}

Test(power_bus, events_are_taken_by_a_32_bit_read, .init = setup)
{
	const uint64_t reg = LAYOUT_POWER_BASE + LAYOUT_POWER_EVENTS;

	platform_events_raise(&power.events, LAYOUT_EVENT_SLOTS);
	check_eq(bus_read(&mmio, reg, 1), 0);
	check_eq(bus_read(&mmio, reg, 4), LAYOUT_EVENT_SLOTS);
	check_eq(bus_read(&mmio, reg, 4), 0);
}

Test(power_bus, takes_its_place_once, .init = setup)
{
	struct power_bus second = { 0 };
	struct error err = { 0 };

	cr_assert(power_bus_init(&second, &ops, &kvm, &mmio, &ports, true, &err) < 0);
	check_contains(err.text, "power registers");
}
