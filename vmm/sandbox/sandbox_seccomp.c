// SPDX-License-Identifier: Apache-2.0
/* Installs seccomp filters, and tells of what they stop: violation. */
#include "vmm/sandbox/sandbox_seccomp.h"

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

#include "vmm/sandbox/sandbox_filters.inc"

#define MAX_FILTER 512

static __thread enum sandbox_thread kind;

/* Everything from here to violation runs in a signal handler, with the thread's filter on. */
struct line {
	char text[400];
	size_t len;
};

static void add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(line->text) - line->len)
		len = sizeof(line->text) - line->len;
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void add_number(struct line *line, unsigned number)
{
	char digits[12];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	add(line, digits + at);
}

static const char *name_call(unsigned nr)
{
	const char *name = NULL;

	if (nr < sizeof(call_names) / sizeof(call_names[0]))
		name = call_names[nr];
	return name ? name : "?";
}

static void violation(int signo, siginfo_t *info, void *context)
{
	struct line line = { .len = 0 };
	unsigned nr = (unsigned)info->si_syscall;

	(void)signo;
	(void)context;
	add(&line, "mvmm: sandbox: ");
	add(&line, kind == SANDBOX_VCPU ? "a vCPU's thread" : "the event loop's thread");
	add(&line, " made the system call ");
	add(&line, name_call(nr));
	add(&line, " (");
	add_number(&line, nr);
	add(&line, "), which its list does not allow: mvmm has a defect, or was attacked by its "
		   "guest; please report it. With --sandbox log such calls are logged, and made\n");
	terminal_restore();
	log_write(line.text, line.len);
	_exit(OUTCOME_SANDBOX);
}

int sandbox_seccomp_prepare(struct error *err)
{
	struct sigaction action = { .sa_sigaction = violation, .sa_flags = SA_SIGINFO };
	uint32_t wanted[] = { SECCOMP_RET_TRAP, SECCOMP_RET_LOG };

	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &wanted[i]) < 0)
			return error_set(err, ENOTSUP,
					 "--sandbox: this kernel has no seccomp filters (%s); "
					 "--sandbox off does without",
					 strerror(errno));
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

int sandbox_seccomp_install(enum sandbox_thread thread, bool log_only)
{
	const struct sock_fprog *made = &(log_only ? logging_filters : strict_filters)[thread];
	struct sock_filter program[MAX_FILTER];
	struct sock_fprog filter = { made->len, program };

	assert(made->len <= MAX_FILTER);
	memcpy(program, made->filter, made->len * sizeof(program[0]));
	/* The only number that the build does not know. */
	for (unsigned i = 0; i < made->len; i++)
		if (program[i].k == SANDBOX_PID)
			program[i].k = (uint32_t)getpid();
	kind = thread;
	/*
	 * Without SECCOMP_FILTER_FLAG_SPEC_ALLOW: kernels from 5.16 on take no mitigation along
	 * with a filter, and on older ones it is the kernel's to decide.
	 */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? -errno : 0;
}
