// SPDX-License-Identifier: Apache-2.0
/* A clock as one number, and back. */
#include "vmm/base/clock.h"

#include "tests/support/check.h"

Test(clock, now_is_what_the_clock_says)
{
	struct timespec before, after;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &before);
	now = clock_now_ns(CLOCK_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert(now >= (uint64_t)before.tv_sec * NS_PER_S + (uint64_t)before.tv_nsec);
	cr_assert(now <= (uint64_t)after.tv_sec * NS_PER_S + (uint64_t)after.tv_nsec);
}

Test(clock, takes_the_clock_that_is_named)
{
	uint64_t monotonic = clock_now_ns(CLOCK_MONOTONIC), real = clock_now_ns(CLOCK_REALTIME);

	/* One counts from the start of the machine, the other one from 1970. */
	cr_assert(real - monotonic > 1000000 * NS_PER_S);
}

Test(clock, timespec_has_seconds_and_the_rest)
{
	static const struct {
		uint64_t ns;
		time_t seconds;
		long rest;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 0, 1 },
		{ NS_PER_S - 1, 0, 999999999 },
		{ NS_PER_S, 1, 0 },
		{ 2 * NS_PER_S + 3 * NS_PER_MS, 2, 3000000 },
		{ UINT64_MAX, 18446744073, 709551615 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct timespec ts = clock_timespec(cases[i].ns);

		check_eq(ts.tv_sec, cases[i].seconds, "case %zu", i);
		check_eq(ts.tv_nsec, cases[i].rest, "case %zu", i);
	}
}
