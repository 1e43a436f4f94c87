// SPDX-License-Identifier: Apache-2.0
/* The ways to end, and that nothing else is one. */
#include "devices/platform/power_x86.h"

#include "tests/support/check.h"
#include "vmm/base/layout.h"

TestSuite(power, .timeout = 10);

static unsigned offs, resets, exits, panics, crashes;
static uint64_t status;

static void request(struct power *power, enum power_request what, uint64_t chosen)
{
	unsigned *const counts[] = { [POWER_OFF] = &offs,
				     [POWER_RESET] = &resets,
				     [POWER_EXIT] = &exits,
				     [POWER_PANIC] = &panics,
				     [POWER_CRASH] = &crashes };

	(*counts[what])++;
	status = chosen;
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
	check_eq(offs + resets + exits, 0);
}

Test(power, exit_takes_any_byte)
{
	for (unsigned value = 0; value < 256; value++) {
		power_exit_write(&power, 0, 0x1200 | value);
		check_eq(exits, value + 1);
		check_eq(status, value);
	}
	check_eq(offs + resets, 0);
}

Test(power, debug_exit_doubles_and_adds_one)
{
	power_x86_debug_exit_write(&power, 0, 0);
	check_eq(status, 1);
	power_x86_debug_exit_write(&power, 0, 0x10);
	check_eq(status, 33);
	power_x86_debug_exit_write(&power, 0, 0xffffffff);
	check_eq(status, 0x1ffffffff);
	check_eq(exits, 3);
}

Test(power, pvpanic_events)
{
	/* By the specification: bit 0, panicked; bit 1, crash kernel loaded. */
	check_eq(power_panic_read(&power, 0), 3);
	for (unsigned value = 0; value < 256; value++) {
		panics = crashes = 0;
		power_panic_write(&power, 0, value);
		check_eq(panics, value & 1, "0x%x", value);
		check_eq(crashes, (value & 3) == 2, "0x%x", value);
	}
	check_eq(offs + resets + exits, 0);
}

Test(power, keyboard_controller)
{
	/* Ready for a command, or Linux would wait for it. */
	check_eq(power_x86_i8042_read(&power, 0), 0);
	for (unsigned value = 0; value < 256; value++) {
		resets = 0;
		power_x86_i8042_write(&power, 0, value);
		check_eq(resets, value == 0xfe, "0x%x", value);
	}
	check_eq(offs, 0);
}
