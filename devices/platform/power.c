// SPDX-License-Identifier: Apache-2.0
/* Registers by which a guest ends. */
#include "devices/platform/power.h"

#include "vmm/base/layout.h"

#include <misc/pvpanic.h>

#define I8042_PULSE_RESET 0xfe

uint64_t power_read(struct power *power, uint64_t offset)
{
	(void)power;
	(void)offset;
	return 0;
}

void power_write(struct power *power, uint64_t offset, uint64_t value)
{
	if (offset == LAYOUT_POWER_SLEEP_CONTROL && (value & 0xff) == LAYOUT_POWER_OFF_VALUE)
		power->ops->request(power, POWER_OFF, 0);
	else if (offset == LAYOUT_POWER_RESET && (value & 0xff) == LAYOUT_POWER_RESET_VALUE)
		power->ops->request(power, POWER_RESET, 0);
}

uint8_t power_i8042_read(struct power *power)
{
	(void)power;
	return 0; /* bit 1, input buffer full, would have Linux wait */
}

void power_i8042_write(struct power *power, uint8_t value)
{
	if (value == I8042_PULSE_RESET)
		power->ops->request(power, POWER_RESET, 0);
}

void power_exit_write(struct power *power, uint8_t value)
{
	power->ops->request(power, POWER_EXIT, value);
}

void power_debug_exit_write(struct power *power, uint64_t value)
{
	power->ops->request(power, POWER_EXIT, value << 1 | 1);
}

uint8_t power_panic_read(struct power *power)
{
	(void)power;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

void power_panic_write(struct power *power, uint8_t value)
{
	if (value & PVPANIC_PANICKED)
		power->ops->request(power, POWER_PANIC, 0);
	else if (value & PVPANIC_CRASH_LOADED)
		power->ops->request(power, POWER_CRASH, 0);
}
