// SPDX-License-Identifier: Apache-2.0
/* A thread's mask of signals, and its caller's. */
#include "vmm/base/thread.h"

#include "tests/support/check.h"
#include "vmm/base/array.h"

#include <signal.h>

TestSuite(thread, .timeout = 10);

static sigset_t blocked;

static void *get_blocked_signals(void *arg)
{
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	return arg;
}

Test(thread, blocks_all_but_those_named)
{
	static const int unblocked[] = { SIGSYS, SIGUSR1 };
	sigset_t before, after;
	pthread_t thread;
	void *result;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR1);
	sigaddset(&before, SIGHUP);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	check_eq(thread_start(&thread, get_blocked_signals, &blocked, unblocked,
			      ARRAY_SIZE(unblocked)),
		 0);
	check_eq(pthread_join(thread, &result), 0);
	cr_assert_eq(result, &blocked);
	check_eq(sigismember(&blocked, SIGSYS), 0);
	check_eq(sigismember(&blocked, SIGUSR1), 0);
	check_eq(sigismember(&blocked, SIGTERM), 1);
	check_eq(sigismember(&blocked, SIGSEGV), 1);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	check_eq(sigismember(&after, SIGUSR1), 1);
	check_eq(sigismember(&after, SIGHUP), 1);
	check_eq(sigismember(&after, SIGTERM), 0);
}
