// SPDX-License-Identifier: Apache-2.0
/* A thread inherits its mask of signals, so the caller has that mask meanwhile. */
#include "vmm/base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg, const int unblocked[],
		 size_t n)
{
	sigset_t mask, saved;
	int ret;

	sigfillset(&mask);
	for (size_t i = 0; i < n; i++)
		sigdelset(&mask, unblocked[i]);
	pthread_sigmask(SIG_SETMASK, &mask, &saved);
	ret = pthread_create(ret_thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -ret;
}
