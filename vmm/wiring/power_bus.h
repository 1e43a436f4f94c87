/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power registers, the platform events, pvpanic and the ports that end the machine, at their
 * places on the buses. Accesses are answered on the vCPU's thread.
 */
#ifndef MVMM_VMM_POWER_BUS_H
#define MVMM_VMM_POWER_BUS_H

#include "devices/platform/platform_events.h"
#include "devices/platform/power.h"
#include "vmm/base/error.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"

struct power_bus {
	struct power power;
	struct platform_events events;
	struct bus_region registers;   /* on the bus of registers */
	struct bus_region panic, exit; /* on the same */
	struct bus_region panic_port;  /* on the bus of ports, as the next */
	struct bus_region exit_port;
	struct bus_region debug_exit_ports;
	struct bus_region i8042_port;
	struct kvm_line interrupt;
};

/*
 * isa-debug-exit is there if @has_debug_exit. -errno with @err set: no place on the buses, for
 * which layout.h has no reason.
 */
int power_bus_init(struct power_bus *power, const struct power_ops *ops, const struct kvm *kvm,
		   struct bus *mmio, struct bus *ports, bool has_debug_exit, struct error *err);

#endif
