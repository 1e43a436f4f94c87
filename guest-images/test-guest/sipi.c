// SPDX-License-Identifier: Apache-2.0
/*
 * The test "sipi": CPU 1 starts where there may be no code and no memory, and runs what it finds.
 * Start reading at sipi.
 */
#include "checks.h"

#include "args.h"
#include "interrupts.h"
#include "machine.h"
#include "serial.h"
#include "smp.h"

#include <stddef.h>

#define PAGES 256 /* below 1 MiB */

static uint64_t next_random(uint64_t last)
{
	return last * 6364136223846793005 + 1442695040888963407;
}

static const char *sipi(void)
{
	uint64_t state = next_random(args_number("seed", 1));
	uint64_t page = args_number("vector", PAGES);
	uint64_t count = args_number("count", 1);

	if (machine.n_cpus == 1)
		return "it needs a second CPU";
	for (uint64_t i = 0; i < count; i++) {
		uint64_t where = page < PAGES ? page : state >> 32 & (PAGES - 1);

		if (i == 0)
			print("test-guest: CPU 1 starts in page 0x%lx\n", where);
		smp_start_at(1, (uint8_t)where);
		interrupts_idle(args_number("idle-ms", 20) * 1000000);
		state = next_random(state);
	}
	return NULL;
}

const struct check sipi_checks[] = {
	{ "sipi", .once = sipi },
	{ 0 },
};
