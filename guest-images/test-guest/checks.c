// SPDX-License-Identifier: Apache-2.0
/* Finds and runs tests. Start reading at tables, which lists those of all files. */
#include "checks.h"

#include "args.h"
#include "hostile.h"
#include "pmem.h"
#include "text.h"

#include <stddef.h>

static const struct check *const tables[] = {
	hello_checks,	 flush_checks,	 contents_checks, cpus_checks,	   topology_checks,
	features_checks, flags_checks,	 mwait_checks,	  sipi_checks,	   reset_checks,
	stray_checks,	 echo_checks,	 flood_checks,	  storm_checks,	   stress_checks,
	rng_checks,	 console_checks, vsock_checks,	  watchdog_checks, net_checks,
	ready_checks,	 steady_checks,	 vmgenid_checks,  hostile_checks,
};

const struct check *checks_find(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct check *check = tables[i]; check->name; check++)
			if (text_equal(check->name, name))
				return check;
	return NULL;
}

const char *checks_run(const struct check *check)
{
	uint64_t only = args_number("device", ~0UL);
	const char *error = NULL;
	bool any = false;

	if (check->once)
		return check->once();
	if (check->misbehave)
		return hostile_run(check);
	for (unsigned i = 0; i < pmem_count && !error; i++) {
		if (only != ~0UL && only != i)
			continue;
		any = true;
		error = check->each(&pmems[i]);
	}
	return any ? error : "there is no such pmem device";
}
