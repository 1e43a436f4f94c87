// SPDX-License-Identifier: Apache-2.0
/* Uses the watchdog as its description says. Start reading at watchdog_check. */
#include "watchdog.h"

#include "args.h"
#include "checks.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "machine.h"

#include <stddef.h>

static void wait_ms(uint64_t ms)
{
	uint64_t start = rdtsc();

	while (clock_ns(rdtsc() - start) < ms * 1000000)
		__asm__ volatile("pause");
}

void watchdog_start(void)
{
	if (!machine.watchdog.run)
		return;
	write32(machine.watchdog.seconds, (uint32_t)args_number("seconds", 1));
	write32(machine.watchdog.run, 1);
}

/* With seconds=1: sees to it for longer than that, then lets it be for as long. */
static const char *watchdog_check(void)
{
	if (!machine.watchdog.run)
		return "no watchdog is described";
	if (read32(machine.watchdog.run) != 0 || read32(machine.watchdog.left) != 0)
		return "it runs before it is started";
	watchdog_start();
	for (unsigned i = 0; i < 4; i++) {
		if (read32(machine.watchdog.run) != 1 || read32(machine.watchdog.left) != 1)
			return fail("after %u times it shows %u and %u s left", i,
				    read32(machine.watchdog.run), read32(machine.watchdog.left));
		wait_ms(400);
		write32(machine.watchdog.left, 1);
	}
	write32(machine.watchdog.run, 0);
	if (read32(machine.watchdog.run) != 0)
		return "it was not stopped";
	wait_ms(1300);
	return NULL;
}

const struct check watchdog_checks[] = {
	{ "watchdog", .once = watchdog_check },
	{ 0 },
};
