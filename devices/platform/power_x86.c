// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/devices/platform/test_power.c.
/* I/O ports by which a guest resets, or ends with a status. */
#include "devices/platform/power_x86.h"

#define I8042_PULSE_RESET 0xfe

uint64_t power_x86_i8042_read(struct power *power, uint64_t offset)
{
	return 0; /* bit 1, input buffer full, would have Linux wait */
}

void power_x86_i8042_write(struct power *power, uint64_t offset, uint64_t value)
{
	if ((value & 0xff) == I8042_PULSE_RESET)
		power->ops->request(power, POWER_RESET, 0);
}

void power_x86_debug_exit_write(struct power *power, uint64_t offset, uint64_t value)
{
	power->ops->request(power, POWER_EXIT, value << 1 | 1);
}
