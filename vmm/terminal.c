// SPDX-License-Identifier: Apache-2.0
/* Sets and restores the terminal's mode. */
#include "vmm/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t raw;

void terminal_restore(void)
{
	if (!raw)
		return;
	raw = false;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* SA_RESETHAND has put the default action back: raising it again ends the process as it should. */
static void restore_and_die(int signo)
{
	terminal_restore();
	raise(signo);
}

int terminal_raw(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	struct sigaction action = { .sa_handler = restore_and_die, .sa_flags = SA_RESETHAND };
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return 0;
	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction old;

		/* Who has a handler already restores the terminal there. */
		if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal[i], &action, NULL);
	}
	atexit(terminal_restore);
	t = saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	raw = true;
	return tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0 ? -errno : 0;
}
