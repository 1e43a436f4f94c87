/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that ends mvmm while it starts: when a signal comes that ends a process, or when the
 * time is over, even if the main thread is blocked in a system call, on a file, a lock or the host.
 * A handler would not do: where the host does not answer, a thread runs none.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct start_guard;

struct start_guard_ops {
	/* On the guard's thread, at most once: @signo came, or with 0 the time is over. */
	void (*ends)(struct start_guard *guard, int signo);
};

struct start_guard {
	const struct start_guard_ops *ops;
	uint64_t at_ns; /* CLOCK_MONOTONIC; UINT64_MAX: there is time */
	pthread_t thread;
	bool started;
	bool stopped; /* atomic */
};

/*
 * Blocks the signals, which stay blocked, and starts the thread. Signals that were ignored when
 * mvmm was started, as by nohup(1), end nothing. -errno.
 */
int start_guard_start(struct start_guard *guard, const struct start_guard_ops *ops, uint64_t at_ns);

/*
 * Ends the thread; waits for @ops->ends if that runs. A signal that comes meanwhile is not lost: it
 * is pending then. Also takes a zeroed or stopped one.
 */
void start_guard_stop(struct start_guard *guard);
