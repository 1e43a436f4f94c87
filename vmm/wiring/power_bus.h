/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the power registers, the platform events, pvpanic and the ports that end the machine on the
 * buses. Accesses are answered on the vCPU's thread.
 */
#pragma once

#include "devices/platform/platform_events.h"
#include "devices/platform/power.h"
#include "vmm/base/error.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"

/* A line of the table in power_bus.c. */
struct power_register;

struct power_bus_region {
	struct bus_region region;
	const struct power_register *what;
	struct power_bus *power;
};

#define POWER_BUS_REGIONS 7

struct power_bus {
	struct power power;
	struct platform_events events;
	struct power_bus_region regions[POWER_BUS_REGIONS];
	struct kvm_line interrupt;
};

/*
 * @has_debug_exit: with isa-debug-exit. -errno with @err set if a bus is full, which is a bug of
 * layout.h.
 */
int power_bus_init(struct power_bus *power, const struct power_ops *ops, const struct kvm *kvm,
		   struct bus *mmio, struct bus *ports, bool has_debug_exit, struct error *err);
