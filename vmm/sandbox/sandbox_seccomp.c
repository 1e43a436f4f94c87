// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/sandbox.
/* Installs seccomp filters, and reports violations. Start reading at violation. */
#include "vmm/sandbox/sandbox_seccomp.h"

#include "vmm/base/line.h"
#include "vmm/base/log.h"
#include "vmm/base/outcome.h"
#include "vmm/host/terminal.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/array.h"
#include "vmm/sandbox/sandbox_filters.inc"

#define MAX_FILTER 512

static __thread enum sandbox_thread kind;

/* This and violation run in a signal handler, under the thread's filter. */
static const char *name_call(unsigned nr)
{
	const char *name = NULL;

	if (nr < ARRAY_SIZE(call_names))
		name = call_names[nr];
	return name ? name : "?";
}

static void violation(int signo, siginfo_t *info, void *context)
{
	char text[400] = "";
	struct line line = { .text = text, .size = sizeof(text) - 1 };
	unsigned nr = (unsigned)info->si_syscall;

	line_append(&line, "sandbox: ");
	line_append(&line, kind == SANDBOX_VCPU	 ? "a vCPU's thread"
			   : kind >= SANDBOX_JOB ? "the thread that saves, resets and forks"
						 : "the event loop's thread");
	line_append(&line, " made the system call ");
	line_append(&line, name_call(nr));
	line_append(&line, " (");
	line_append_number(&line, nr, 1);
	line_append(
		&line,
		"), which its list does not allow. mvmm has a defect, or its guest attacked it; "
		"please report this. With --sandbox log such calls are logged and executed");
	terminal_restore();
	log_error_in_signal(text);
	_exit(OUTCOME_SANDBOX);
}

int sandbox_seccomp_prepare(struct error *err)
{
	struct sigaction action = { .sa_sigaction = violation, .sa_flags = SA_SIGINFO };
	uint32_t wanted[] = { SECCOMP_RET_TRAP, SECCOMP_RET_LOG };

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &wanted[i]) < 0)
			return error_set(err, ENOTSUP,
					 "--sandbox: this kernel has no seccomp filters (%s); "
					 "give --sandbox off to run without them",
					 strerror(errno));
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* Only these are not known when mvmm is built. */
static uint32_t replaced(uint32_t constant, struct sandbox_descriptors fds)
{
	switch (constant) {
	case SANDBOX_PID:
		return (uint32_t)getpid();
	case SANDBOX_VM:
		return (uint32_t)fds.vm;
	case SANDBOX_VCPU_FD:
		return (uint32_t)fds.vcpu;
	default:
		return constant;
	}
}

int sandbox_seccomp_install(enum sandbox_thread thread, struct sandbox_descriptors fds,
			    bool log_only)
{
	const struct sock_fprog *made = &(log_only ? logging_filters : strict_filters)[thread];
	struct sock_filter program[MAX_FILTER];
	struct sock_fprog filter = { made->len, program };

	assert(made->len <= MAX_FILTER);
	memcpy(program, made->filter, made->len * sizeof(program[0]));
	for (unsigned i = 0; i < made->len; i++)
		program[i].k = replaced(program[i].k, fds);
	kind = thread;
	/*
	 * Without SECCOMP_FILTER_FLAG_SPEC_ALLOW: kernels from 5.16 on add no mitigation with a
	 * filter, and on older ones the kernel should decide.
	 */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? -errno : 0;
}
