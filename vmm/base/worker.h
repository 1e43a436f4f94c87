/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that does one job at a time, for work that may wait for storage. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct worker;

struct worker_ops {
	/* The first thing that the thread does; or NULL. Negative: the thread ends. */
	int (*begins)(struct worker *worker);
	/* Does a job. On the worker's thread. */
	void (*work)(struct worker *worker);
};

struct worker {
	const struct worker_ops *ops;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started;
	/* Under the lock: */
	bool begun, stopped;
	unsigned asked, done; /* how many jobs */
	int failed;	      /* what begins returned */
};

/*
 * Starts the thread, which blocks all signals but SIGSYS and those of a crash. Returns after
 * @ops->begins: 0, -errno, or what that returned.
 */
int worker_start(struct worker *worker, const struct worker_ops *ops);

/* Makes the thread do a job, after those that it was asked for before. */
void worker_run(struct worker *worker);

/* Waits for the job, if one is running, and ends the thread. Takes a zeroed one. */
void worker_stop(struct worker *worker);
