// SPDX-License-Identifier: Apache-2.0
/* A memcpy that survives SIGBUS. Start reading at guarded_copy. */
#include "vmm/base/guarded_copy.h"

#include "vmm/base/outcome.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct guard {
	sigjmp_buf back;
	uintptr_t to, from;
	size_t len;
};

static __thread struct guard *volatile guarded; /* this thread's copy, or NULL */
static struct sigaction before;
static struct {
	uintptr_t start;
	size_t size;
	void (*fatal)(void);
} watched;

static void bus_error(int signo, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr;
	struct guard *guard = guarded;
	bool raised = info->si_code > 0; /* by an access, not sent by a process */

	if (raised && guard && (addr - guard->to < guard->len || addr - guard->from < guard->len))
		siglongjmp(guard->back, 1);
	if (raised && addr - watched.start < watched.size)
		watched.fatal();
	/* Not from guarded_copy: the access is repeated, and finds the old action. */
	sigaction(SIGBUS, &before, NULL);
	if (raised)
		return;
	raise(signo);
	/* Reached as PID 1, which no default action ends. */
	_exit(OUTCOME_SIGNAL + signo);
}

int guarded_copy_init(void)
{
	/* Without SA_NODEFER the signal would stay blocked, because the handler does not return. */
	struct sigaction action = { .sa_sigaction = bus_error,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;

	if (sigaction(SIGBUS, NULL, &old) < 0)
		return -errno;
	if (!(old.sa_flags & SA_SIGINFO) || old.sa_sigaction != bus_error)
		before = old;
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

void guarded_copy_watch(const void *start, size_t size, void (*fatal)(void))
{
	watched.start = (uintptr_t)start;
	watched.size = size;
	watched.fatal = fatal;
}

int guarded_copy(void *to, const void *from, size_t len)
{
	struct guard guard = { .to = (uintptr_t)to, .from = (uintptr_t)from, .len = len };

	if (sigsetjmp(guard.back, 0)) {
		guarded = NULL;
		return -EIO;
	}
	guarded = &guard;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(to, from, len);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	guarded = NULL;
	return 0;
}
