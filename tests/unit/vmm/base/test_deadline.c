// SPDX-License-Identifier: Apache-2.0
/* A time that passes, and one that is not waited for. */
#include "vmm/base/deadline.h"

#include "tests/support/check.h"
#include "tests/support/refuse_call.h"
#include "vmm/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

TestSuite(deadline, .timeout = 10);

#define SECOND UINT64_C(1000000000)
/* What a busy host may hold a thread up. */
#define LATEST (2 * SECOND)

static struct deadline deadline;
static pthread_t beginner;
static sigset_t blocked;
static unsigned slow_us;
static bool entered;	   /* atomic */
static uint64_t passed_at; /* atomic */

static void begins(struct deadline *which)
{
	cr_assert(which == &deadline);
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	beginner = pthread_self();
}

static void passed(struct deadline *which)
{
	cr_assert(which == &deadline);
	__atomic_store_n(&entered, true, __ATOMIC_RELEASE);
	usleep(slow_us);
	__atomic_store_n(&passed_at, clock_now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
}

static const struct deadline_ops ops = { .begins = begins, .passed = passed };

static uint64_t await_passed(void)
{
	uint64_t at;

	while (!(at = __atomic_load_n(&passed_at, __ATOMIC_ACQUIRE)))
		usleep(1000);
	return at;
}

Test(deadline, passes_when_it_is_time)
{
	uint64_t at = clock_now_ns(CLOCK_MONOTONIC) + 30000000, passed_ns;

	check_eq(deadline_start(&deadline, &ops, at), 0);
	passed_ns = await_passed();
	cr_assert(passed_ns >= at);
	cr_assert(passed_ns - at < LATEST, "it passed %llu ns too late",
		  (unsigned long long)(passed_ns - at));
	deadline_stop(&deadline);
}

Test(deadline, one_in_the_past_passes_at_once)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	check_eq(deadline_start(&deadline, &ops, now - 1), 0);
	cr_assert(await_passed() - now < LATEST);
	deadline_stop(&deadline);
}

Test(deadline, thread_has_begun_and_hears_no_signals)
{
	check_eq(deadline_start(&deadline, &ops, UINT64_MAX), 0);
	cr_assert(pthread_equal(beginner, deadline.thread));
	check_eq(sigismember(&blocked, SIGTERM), 1);
	check_eq(sigismember(&blocked, SIGINT), 1);
	check_eq(sigismember(&blocked, SIGSYS), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	check_eq(sigismember(&blocked, SIGTERM), 0, "the caller's are as they were");
	deadline_stop(&deadline);
}

static unsigned threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;

	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n;
}

Test(deadline, stopped_does_not_pass)
{
	unsigned before = threads();

	check_eq(deadline_start(&deadline, &ops, clock_now_ns(CLOCK_MONOTONIC) + 3600 * SECOND), 0);
	check_eq(threads(), before + 1);
	deadline_stop(&deadline);
	/* A thread that was waited for may be seen for some microseconds more. */
	while (threads() != before)
		usleep(1000);
	deadline_stop(&deadline);
	check_eq(passed_at, 0);
}

Test(deadline, stop_waits_for_what_has_passed)
{
	slow_us = 50000;
	check_eq(deadline_start(&deadline, &ops, 1), 0);
	while (!__atomic_load_n(&entered, __ATOMIC_ACQUIRE))
		usleep(1000);
	deadline_stop(&deadline);
	cr_assert(__atomic_load_n(&passed_at, __ATOMIC_ACQUIRE) != 0);
}

Test(deadline, one_that_never_started_can_be_stopped)
{
	deadline_stop(&deadline);
	check_eq(deadline.started, false);
}

/* The caller hears of it, and may stop it all the same. */
Test(deadline, no_thread)
{
	refuse_call(SYS_clone3, EAGAIN);
	check_eq(deadline_start(&deadline, &ops, 1), -EAGAIN);
	deadline_stop(&deadline);
	check_eq(passed_at, 0);
}
