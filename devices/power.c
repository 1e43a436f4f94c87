// SPDX-License-Identifier: Apache-2.0
/* Power-off and reset registers. */
#include "devices/power.h"

#include "boot/layout.h"

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
		power->ops->request(power, POWER_OFF);
	else if (offset == LAYOUT_POWER_RESET && (value & 0xff) == LAYOUT_POWER_RESET_VALUE)
		power->ops->request(power, POWER_RESET);
}

uint8_t power_i8042_read(struct power *power)
{
	(void)power;
	return 0; /* bit 1, input buffer full, would have Linux wait */
}

void power_i8042_write(struct power *power, uint8_t value)
{
	if (value == I8042_PULSE_RESET)
		power->ops->request(power, POWER_RESET);
}
