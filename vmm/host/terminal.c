// SPDX-License-Identifier: Apache-2.0
/* Sets and restores the terminal's mode. */
#include "vmm/host/terminal.h"

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

/* A job in the background leaves the terminal to the one in front, or it would be stopped. */
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

/* SA_RESETHAND has put the default action back: raising it again ends the process as it should. */
static void restore_and_die(int signo)
{
	terminal_restore();
	raise(signo);
}

/* For signals that nobody expects, and those of bugs; the others end mvmm in order. */
static void catch_fatal_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS,  SIGILL,	SIGFPE,	   SIGABRT, SIGSYS,
				     SIGTRAP, SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF, SIGUSR2 };
	struct sigaction action = { .sa_handler = restore_and_die, .sa_flags = SA_RESETHAND };

	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction old;

		/* Who has a handler already restores the terminal there. */
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

/* Opened anew, it is non-blocking for us, and not for the shell that shares the one we were given.
 */
static void unblock(int fd)
{
	int number, own, access = fcntl(fd, F_GETFL) & O_ACCMODE;
	char path[32];

	/* Who opens the master's side gets another terminal. */
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
