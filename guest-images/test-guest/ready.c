// SPDX-License-Identifier: Apache-2.0
/* The test "ready": says that user space is up, as an init does. */
#include "checks.h"

#include "args.h"
#include "cpu.h"

#include <stddef.h>

#define MARK_PORT 0xe0
#define MARK_USER_SPACE 2

static const char *ready(void)
{
	uint64_t marks = args_number("marks", 1);

	for (uint64_t i = 0; i < marks; i++)
		out8(MARK_PORT, MARK_USER_SPACE);
	return NULL;
}

const struct check ready_checks[] = {
	{ "ready", .once = ready },
	{ 0 },
};
