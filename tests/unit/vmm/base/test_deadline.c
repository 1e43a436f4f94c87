// SPDX-License-Identifier: Apache-2.0
/* A time that passes, and one that is not waited for. */
#include "tests/support/check.h"
#include "vmm/base/clock.h"
#include "vmm/base/deadline.h"

#include <unistd.h>

TestSuite(deadline, .timeout = 10);

static struct deadline deadline;
static uint64_t passed_at; /* atomic */

static void passed(struct deadline *which)
{
	cr_assert(which == &deadline);
	__atomic_store_n(&passed_at, clock_now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
}

static pthread_t beginner;

static void begins(struct deadline *which)
{
	(void)which;
	beginner = pthread_self();
}

static const struct deadline_ops ops = { .begins = begins, .passed = passed };

Test(deadline, passes_when_it_is_time)
{
	uint64_t at = clock_now_ns(CLOCK_MONOTONIC) + 30000000;

	check_eq(deadline_start(&deadline, &ops, at), 0);
	while (!__atomic_load_n(&passed_at, __ATOMIC_ACQUIRE))
		usleep(1000);
	cr_assert(passed_at >= at);
	cr_assert(beginner == deadline.thread);
	deadline_stop(&deadline);
}

Test(deadline, one_in_the_past_passes_at_once)
{
	check_eq(deadline_start(&deadline, &ops, 1), 0);
	while (!__atomic_load_n(&passed_at, __ATOMIC_ACQUIRE))
		usleep(1000);
	deadline_stop(&deadline);
}

Test(deadline, stopped_does_not_pass)
{
	uint64_t hour = 3600 * UINT64_C(1000000000);

	check_eq(deadline_start(&deadline, &ops, clock_now_ns(CLOCK_MONOTONIC) + hour), 0);
	deadline_stop(&deadline);
	deadline_stop(&deadline);
	check_eq(passed_at, 0);
}

Test(deadline, one_that_never_started_can_be_stopped)
{
	deadline_stop(&deadline);
}
