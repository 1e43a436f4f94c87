/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a mapping would be in a core file, as /proc/self/smaps tells (proc_pid_smaps(5)). */
#pragma once

#include "tests/support/check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline bool is_dumped(const void *address)
{
	uint64_t at = (uintptr_t)address, start, end;
	FILE *f = fopen("/proc/self/smaps", "r");
	bool here = false, found = false, hidden = false;
	char line[4096];

	cr_assert(f);
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			here = start <= at && at < end;
		found = here && strncmp(line, "VmFlags:", 8) == 0;
		hidden = found && strstr(line, " dd");
	}
	fclose(f);
	cr_assert(found, "not mapped");
	return !hidden;
}
