// SPDX-License-Identifier: Apache-2.0
/* Sets and restores the terminal's mode. */
#include "vmm/host/terminal.h"

#include "vmm/base/array.h"
#include "vmm/base/outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t raw;
static pid_t group;

/* A background job must not set the terminal's mode; the kernel would stop it. */
static bool in_front(void)
{
	return tcgetpgrp(STDIN_FILENO) == group;
}

void terminal_restore(void)
{
	if (!raw)
		return;
	raw = false;
	if (in_front())
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* SA_RESETHAND has restored the default action, so that raising the signal ends the process. */
static void restore_and_die(int signo)
{
	terminal_restore();
	if (getpid() == 1) /* which no default action ends */
		_exit(OUTCOME_SIGNAL + signo);
	raise(signo);
}

/* For the signals of bugs; vmm/host/signals.h has the others end mvmm in order. */
static void catch_fatal_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	struct sigaction action = { .sa_handler = restore_and_die, .sa_flags = SA_RESETHAND };

	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++) {
		struct sigaction old;

		/* A signal that has a handler already: that handler restores the terminal. */
		if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal[i], &action, NULL);
	}
}

int terminal_raw(void)
{
	struct termios t;

	if (!isatty(STDIN_FILENO))
		return 0;
	if (!group)
		group = getpgrp();
	if (!in_front())
		return 0;
	if (!raw && tcgetattr(STDIN_FILENO, &saved) < 0)
		return -errno;
	if (!raw) {
		catch_fatal_signals();
		atexit(terminal_restore);
	}
	t = saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	raw = true;
	return tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0 ? -errno : 0;
}

/* Opening the terminal again makes only our description of it non-blocking, not the shell's. */
static void unblock(int fd)
{
	int number, own, access = fcntl(fd, F_GETFL) & O_ACCMODE;
	char path[32];

	/* Opening a pseudo-terminal's master again would make another terminal. */
	if (!isatty(fd) || ioctl(fd, TIOCGPTN, &number) == 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (own < 0)
		return;
	dup2(own, fd);
	close(own);
}

void terminal_unblock(void)
{
	unblock(STDIN_FILENO);
	unblock(STDOUT_FILENO);
	unblock(STDERR_FILENO);
}
