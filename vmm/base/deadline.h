/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that waits until a time has passed, for what the main thread cannot see to: it may be
 * held up anywhere, by a file, a lock, the host.
 */
#ifndef MVMM_VMM_DEADLINE_H
#define MVMM_VMM_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct deadline;

/* Both on the thread. */
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

/* Starts the thread, which hears no signals but SIGSYS; when it returns, @ops->begins has. -errno.
 */
int deadline_start(struct deadline *deadline, const struct deadline_ops *ops, uint64_t at_ns);

/* Ends the thread; waits for @ops->passed if that runs. Takes a zeroed or stopped one, too. */
void deadline_stop(struct deadline *deadline);

#endif
