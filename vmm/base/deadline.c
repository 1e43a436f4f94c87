// SPDX-License-Identifier: Apache-2.0
/* Waits on a condition until the time has passed or deadline_stop signals it. */
#include "vmm/base/deadline.h"

#include "vmm/base/array.h"
#include "vmm/base/clock.h"
#include "vmm/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static void *wait_until_passed(void *arg)
{
	struct deadline *deadline = arg;
	const struct timespec at = clock_timespec(deadline->at_ns);
	int ret = 0;

	if (deadline->ops->begins)
		deadline->ops->begins(deadline);
	pthread_mutex_lock(&deadline->lock);
	deadline->begun = true;
	pthread_cond_signal(&deadline->changed);
	while (!deadline->stopped && ret != ETIMEDOUT)
		ret = pthread_cond_clockwait(&deadline->changed, &deadline->lock, CLOCK_MONOTONIC,
					     &at);
	if (!deadline->stopped)
		deadline->ops->passed(deadline);
	pthread_mutex_unlock(&deadline->lock);
	return NULL;
}

int deadline_start(struct deadline *deadline, const struct deadline_ops *ops, uint64_t at_ns)
{
	static const int unblocked[] = { SIGSYS }; /* the sandbox uses it */
	int ret;

	*deadline = (struct deadline){
		.ops = ops,
		.at_ns = at_ns,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	ret = thread_start(&deadline->thread, wait_until_passed, deadline, unblocked,
			   ARRAY_SIZE(unblocked));
	deadline->started = ret == 0;
	pthread_mutex_lock(&deadline->lock);
	while (deadline->started && !deadline->begun)
		pthread_cond_wait(&deadline->changed, &deadline->lock);
	pthread_mutex_unlock(&deadline->lock);
	return ret;
}

void deadline_stop(struct deadline *deadline)
{
	if (!deadline->started)
		return;
	pthread_mutex_lock(&deadline->lock);
	deadline->stopped = true;
	pthread_cond_signal(&deadline->changed);
	pthread_mutex_unlock(&deadline->lock);
	pthread_join(deadline->thread, NULL);
	deadline->started = false;
}
