// SPDX-License-Identifier: Apache-2.0
#include "vmm/base/worker.h"

#include "tests/support/check.h"
#include "vmm/base/container_of.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>

struct fixture {
	struct worker worker;
	int begins;
	unsigned jobs; /* atomic */
	sem_t done, go;
	bool slow;
	sigset_t mask;
};

static int begins(struct worker *worker)
{
	struct fixture *f = container_of(worker, struct fixture, worker);

	pthread_sigmask(SIG_BLOCK, NULL, &f->mask);
	return f->begins;
}

static void work(struct worker *worker)
{
	struct fixture *f = container_of(worker, struct fixture, worker);

	if (f->slow)
		sem_wait(&f->go);
	__atomic_add_fetch(&f->jobs, 1, __ATOMIC_SEQ_CST);
	sem_post(&f->done);
}

static const struct worker_ops ops = { begins, work };

static void init(struct fixture *f)
{
	*f = (struct fixture){ .slow = false };
	sem_init(&f->done, 0, 0);
	sem_init(&f->go, 0, 0);
}

Test(worker, does_one_job_after_the_other)
{
	struct fixture f;

	init(&f);
	check_eq(worker_start(&f.worker, &ops), 0);
	for (unsigned i = 1; i <= 3; i++) {
		worker_run(&f.worker);
		sem_wait(&f.done);
		check_eq(__atomic_load_n(&f.jobs, __ATOMIC_SEQ_CST), i);
	}
	worker_stop(&f.worker);
	check_eq(f.jobs, 3u);
}

/* Who is told by the job itself that it is done may ask for the next one at once. */
Test(worker, next_job_while_one_ends)
{
	struct fixture f;

	init(&f);
	f.slow = true;
	check_eq(worker_start(&f.worker, &ops), 0);
	for (unsigned i = 0; i < 1000; i++) {
		worker_run(&f.worker);
		sem_post(&f.go);
		sem_wait(&f.done);
	}
	worker_run(&f.worker);
	worker_run(&f.worker);
	sem_post(&f.go);
	sem_post(&f.go);
	worker_stop(&f.worker);
	check_eq(f.jobs, 1002u);
}

/* A job that was begun is finished, and one that was asked for is done. */
Test(worker, stop_waits_for_the_job)
{
	struct fixture f;

	init(&f);
	f.slow = true;
	check_eq(worker_start(&f.worker, &ops), 0);
	worker_run(&f.worker);
	sem_post(&f.go);
	worker_stop(&f.worker);
	check_eq(f.jobs, 1u);
	worker_stop(&f.worker);
}

Test(worker, says_that_it_could_not_begin)
{
	struct fixture f;

	init(&f);
	f.begins = -EPERM;
	check_eq(worker_start(&f.worker, &ops), -EPERM);
	worker_stop(&f.worker);
	check_eq(f.jobs, 0u);
}

Test(worker, takes_only_signals_of_a_crash)
{
	struct fixture f;

	init(&f);
	check_eq(worker_start(&f.worker, &ops), 0);
	worker_stop(&f.worker);
	check_eq(sigismember(&f.mask, SIGTERM), 1);
	check_eq(sigismember(&f.mask, SIGUSR1), 1);
	check_eq(sigismember(&f.mask, SIGSYS), 0);
	check_eq(sigismember(&f.mask, SIGBUS), 0);
}

Test(worker, stop_takes_a_zeroed_one)
{
	struct worker worker = { .started = false };

	worker_stop(&worker);
}
