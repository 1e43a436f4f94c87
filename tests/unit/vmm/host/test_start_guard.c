// SPDX-License-Identifier: Apache-2.0
/* Starts that are ended by a signal or by time, and starts that are not. */
#include "vmm/host/start_guard.h"

#include "tests/support/check.h"
#include "tests/support/refuse_call.h"
#include "vmm/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(start_guard, .timeout = 10);

static struct start_guard guard;
static int ended_by = -1; /* atomic */

static void ends(struct start_guard *which, int signo)
{
	cr_assert(which == &guard);
	check_eq(__atomic_exchange_n(&ended_by, signo, __ATOMIC_ACQ_REL), -1);
}

static const struct start_guard_ops ops = { .ends = ends };

static int await_end(void)
{
	int signo;

	while ((signo = __atomic_load_n(&ended_by, __ATOMIC_ACQUIRE)) < 0)
		usleep(1000);
	return signo;
}

static bool is_pending(int signo)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, signo);
}

Test(start_guard, time_is_over)
{
	uint64_t at = clock_now_ns(CLOCK_MONOTONIC) + 30000000;

	check_eq(start_guard_start(&guard, &ops, at), 0);
	check_eq(await_end(), 0);
	cr_assert(clock_now_ns(CLOCK_MONOTONIC) >= at);
	start_guard_stop(&guard);
}

Test(start_guard, time_was_over)
{
	check_eq(start_guard_start(&guard, &ops, 1), 0);
	check_eq(await_end(), 0);
	start_guard_stop(&guard);
}

Test(start_guard, signal_comes)
{
	check_eq(start_guard_start(&guard, &ops, UINT64_MAX), 0);
	kill(getpid(), SIGUSR1);
	check_eq(await_end(), SIGUSR1);
	start_guard_stop(&guard);
}

/* As nohup(1) starts a program. */
Test(start_guard, ignored_signals_end_nothing)
{
	signal(SIGHUP, SIG_IGN);
	check_eq(start_guard_start(&guard, &ops, UINT64_MAX), 0);
	kill(getpid(), SIGHUP);
	while (is_pending(SIGHUP))
		usleep(1000);
	kill(getpid(), SIGTERM);
	check_eq(await_end(), SIGTERM);
	start_guard_stop(&guard);
}

Test(start_guard, is_stopped)
{
	start_guard_stop(&guard);
	check_eq(start_guard_start(&guard, &ops, UINT64_MAX), 0);
	start_guard_stop(&guard);
	start_guard_stop(&guard);
	check_eq(ended_by, -1);
	cr_assert_not(is_pending(SIGTERM), "what stopped it does not end mvmm");
	/* The signals stay blocked, for signals_start. */
	kill(getpid(), SIGTERM);
	cr_assert(is_pending(SIGTERM));
}

/* From another process, as only such a one sends us signals. */
static void send(int signo)
{
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0)
		_exit(kill(getppid(), signo) < 0);
	waitpid(pid, NULL, 0);
}

Test(start_guard, signal_at_the_stop_is_not_lost)
{
	check_eq(start_guard_start(&guard, &ops, UINT64_MAX), 0);
	/* As start_guard_stop has it for a moment. */
	__atomic_store_n(&guard.stopped, true, __ATOMIC_RELEASE);
	send(SIGUSR1);
	start_guard_stop(&guard);
	check_eq(ended_by, -1);
	cr_assert(is_pending(SIGUSR1));
}

/* bad input: Host resources: EAGAIN at the thread that ends a start -> refused */
Test(start_guard, no_thread)
{
	refuse_call(SYS_clone3, EAGAIN);
	check_eq(start_guard_start(&guard, &ops, UINT64_MAX), -EAGAIN);
	start_guard_stop(&guard);
}
