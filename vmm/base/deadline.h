/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that acts when a time has passed, even if the main thread is blocked in a system call,
 * on a file, a lock or the host.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct deadline;

/* Both run on the deadline's thread. */
struct deadline_ops {
	void (*begins)(struct deadline *deadline); /* or NULL: the first thing that it does */
	void (*passed)(struct deadline *deadline); /* at most once */
};

struct deadline {
	const struct deadline_ops *ops;
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started;
	bool begun, stopped; /* under the lock */
};

/* Starts the thread, which blocks all signals but SIGSYS. Returns after @ops->begins. -errno. */
int deadline_start(struct deadline *deadline, const struct deadline_ops *ops, uint64_t at_ns);

/* Ends the thread; waits for @ops->passed if that runs. Also takes a zeroed or stopped one. */
void deadline_stop(struct deadline *deadline);
