// SPDX-License-Identifier: Apache-2.0
/* Waits for signals until the time is over. Start reading at guard_thread. */
#include "vmm/host/start_guard.h"

#include "vmm/base/clock.h"
#include "vmm/base/thread.h"
#include "vmm/host/signals.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* That start_guard_stop sends to the thread; nothing else of mvmm sends it a signal. */
#define WAKE_UP SIGALRM

static bool is_from_us(const siginfo_t *info)
{
	return info->si_code <= SI_USER && info->si_pid == getpid();
}

static bool is_stopped(const struct start_guard *guard)
{
	return __atomic_load_n(&guard->stopped, __ATOMIC_ACQUIRE);
}

/* The next signal that ends a process, 0 when the time is over, or -errno. */
static int next_signal(const struct start_guard *guard, siginfo_t *ret_info)
{
	const sigset_t set = signals_ending();
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);
	struct timespec left = clock_timespec(guard->at_ns > now ? guard->at_ns - now : 0);
	int signo = sigtimedwait(&set, ret_info, guard->at_ns == UINT64_MAX ? NULL : &left);

	if (signo < 0)
		return errno == EAGAIN ? 0 : -errno;
	return signo;
}

static void *guard_thread(void *arg)
{
	struct start_guard *guard = arg;
	siginfo_t info;
	int signo;

	do {
		signo = next_signal(guard, &info);
		if (is_stopped(guard)) {
			/* The loop is to see it. */
			if (signo > 0 && !is_from_us(&info))
				kill(getpid(), signo);
			return NULL;
		}
	} while (signo < 0 || (signo > 0 && signals_ignored(signo)));
	guard->ops->ends(guard, signo);
	return NULL;
}

int start_guard_start(struct start_guard *guard, const struct start_guard_ops *ops, uint64_t at_ns)
{
	int ret;

	*guard = (struct start_guard){ .ops = ops, .at_ns = at_ns };
	signals_block();
	ret = thread_start(&guard->thread, guard_thread, guard, NULL, 0);
	guard->started = ret == 0;
	return ret;
}

void start_guard_stop(struct start_guard *guard)
{
	if (!guard->started)
		return;
	__atomic_store_n(&guard->stopped, true, __ATOMIC_RELEASE);
	pthread_kill(guard->thread, WAKE_UP);
	pthread_join(guard->thread, NULL);
	guard->started = false;
}
