// SPDX-License-Identifier: Apache-2.0
/* Registers by which a guest powers off, resets, or ends with a status. */
#include "devices/platform/power.h"

#include "vmm/base/layout.h"

#include <misc/pvpanic.h>

uint64_t power_read(struct power *power, uint64_t offset)
{
	return 0;
}

void power_write(struct power *power, uint64_t offset, uint64_t value)
{
	if (offset == LAYOUT_POWER_SLEEP_CONTROL && (value & 0xff) == LAYOUT_POWER_OFF_VALUE)
		power->ops->request(power, POWER_OFF, 0);
	else if (offset == LAYOUT_POWER_RESET && (value & 0xff) == LAYOUT_POWER_RESET_VALUE)
		power->ops->request(power, POWER_RESET, 0);
}

void power_exit_write(struct power *power, uint64_t offset, uint64_t value)
{
	power->ops->request(power, POWER_EXIT, value & 0xff);
}

uint64_t power_panic_read(struct power *power, uint64_t offset)
{
	return offset ? 0 : PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

void power_panic_write(struct power *power, uint64_t offset, uint64_t value)
{
	if (offset)
		return;
	if (value & PVPANIC_PANICKED)
		power->ops->request(power, POWER_PANIC, 0);
	else if (value & PVPANIC_CRASH_LOADED)
		power->ops->request(power, POWER_CRASH, 0);
}
