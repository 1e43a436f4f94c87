// SPDX-License-Identifier: Apache-2.0
/* Waits on a condition for a job, or for the end. */
#include "vmm/base/worker.h"

#include "vmm/base/array.h"
#include "vmm/base/thread.h"

#include <signal.h>
#include <stddef.h>

static void *wait_for_jobs(void *arg)
{
	struct worker *worker = arg;
	int failed = worker->ops->begins ? worker->ops->begins(worker) : 0;

	pthread_mutex_lock(&worker->lock);
	worker->begun = true;
	worker->failed = failed;
	pthread_cond_broadcast(&worker->changed);
	while (failed >= 0 && (worker->asked != worker->done || !worker->stopped)) {
		if (worker->asked == worker->done) {
			pthread_cond_wait(&worker->changed, &worker->lock);
			continue;
		}
		pthread_mutex_unlock(&worker->lock);
		worker->ops->work(worker);
		pthread_mutex_lock(&worker->lock);
		worker->done++;
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

int worker_start(struct worker *worker, const struct worker_ops *ops)
{
	static const int unblocked[] = { SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	int ret;

	*worker = (struct worker){
		.ops = ops,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	ret = thread_start(&worker->thread, wait_for_jobs, worker, unblocked,
			   ARRAY_SIZE(unblocked));
	if (ret < 0)
		return ret;
	worker->started = true;
	pthread_mutex_lock(&worker->lock);
	while (!worker->begun)
		pthread_cond_wait(&worker->changed, &worker->lock);
	ret = worker->failed;
	pthread_mutex_unlock(&worker->lock);
	return ret < 0 ? ret : 0;
}

void worker_run(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->asked++;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
	if (!worker->started)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stopped = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	worker->started = false;
}
