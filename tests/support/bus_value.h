/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses by value, as a vCPU makes them; for regions where none can fail. */
#pragma once

#include "tests/support/check.h"
#include "vmm/kvm/bus.h"

static inline uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size)
{
	uint64_t value = 0;

	check_eq(bus_access(bus, addr, &value, size, false), 0);
	return value;
}

static inline void bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
	check_eq(bus_access(bus, addr, &value, size, true), 0);
}
