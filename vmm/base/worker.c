// SPDX-License-Identifier: Apache-2.0
/* Waits on a condition for a job, or for the end. */
#include "vmm/base/worker.h"

#include "vmm/base/array.h"

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

static int create_thread(struct worker *worker)
{
	static const int heard[] = { SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	sigset_t mask, saved;
	int ret;

	sigfillset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(heard); i++)
		sigdelset(&mask, heard[i]);
	pthread_sigmask(SIG_SETMASK, &mask, &saved);
	ret = pthread_create(&worker->thread, NULL, wait_for_jobs, worker);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -ret;
}

int worker_start(struct worker *worker, const struct worker_ops *ops)
{
	int ret;

	*worker = (struct worker){
		.ops = ops,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	ret = create_thread(worker);
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
