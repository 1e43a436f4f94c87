// SPDX-License-Identifier: Apache-2.0
/* The ways to end, and that nothing else is one. */
#include "devices/power.h"

#include "boot/layout.h"
#include "tests/check.h"

TestSuite(power, .timeout = 10);

static unsigned offs, resets;

static void request(struct power *power, enum power_request what)
{
	(void)power;
	if (what == POWER_OFF)
		offs++;
	else
		resets++;
}

static const struct power_ops ops = { .request = request };
static struct power power = { .ops = &ops };

Test(power, registers)
{
	static const struct {
		uint64_t offset, value;
		unsigned offs, resets;
	} cases[] = {
		{ LAYOUT_POWER_SLEEP_CONTROL, LAYOUT_POWER_OFF_VALUE, 1, 0 },
		{ LAYOUT_POWER_RESET, LAYOUT_POWER_RESET_VALUE, 0, 1 },
		/* Registers of 8 bits, whatever the access has beyond. */
		{ LAYOUT_POWER_SLEEP_CONTROL, 0xffffff00 | LAYOUT_POWER_OFF_VALUE, 1, 0 },
		{ LAYOUT_POWER_RESET, 0xabcd00 | LAYOUT_POWER_RESET_VALUE, 0, 1 },
		{ LAYOUT_POWER_SLEEP_CONTROL, 0, 0, 0 },
		{ LAYOUT_POWER_SLEEP_CONTROL, 0x20, 0, 0 }, /* SLP_EN of another state */
		{ LAYOUT_POWER_SLEEP_CONTROL, 0x14, 0, 0 }, /* without SLP_EN */
		{ LAYOUT_POWER_SLEEP_CONTROL, LAYOUT_POWER_RESET_VALUE, 0, 0 },
		{ LAYOUT_POWER_RESET, LAYOUT_POWER_OFF_VALUE, 0, 0 },
		{ LAYOUT_POWER_RESET, 0, 0, 0 },
		{ LAYOUT_POWER_SLEEP_STATUS, LAYOUT_POWER_OFF_VALUE, 0, 0 },
		{ LAYOUT_POWER_RESET + 1, LAYOUT_POWER_RESET_VALUE, 0, 0 },
		{ LAYOUT_POWER_SIZE - 1, LAYOUT_POWER_OFF_VALUE, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		offs = resets = 0;
		power_write(&power, cases[i].offset, cases[i].value);
		check_eq(offs, cases[i].offs, "case %zu", i);
		check_eq(resets, cases[i].resets, "case %zu", i);
	}
}

Test(power, registers_read_as_zero)
{
	for (uint64_t offset = 0; offset < LAYOUT_POWER_SIZE; offset++)
		check_eq(power_read(&power, offset), 0);
	check_eq(offs + resets, 0);
}

Test(power, keyboard_controller)
{
	/* Ready for a command, or Linux would wait for it. */
	check_eq(power_i8042_read(&power), 0);
	for (unsigned value = 0; value < 256; value++) {
		resets = 0;
		power_i8042_write(&power, (uint8_t)value);
		check_eq(resets, value == 0xfe, "0x%x", value);
	}
	check_eq(offs, 0);
}
