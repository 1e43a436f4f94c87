// SPDX-License-Identifier: Apache-2.0
/* What tells that the program which started mvmm has gone. */
#include "vmm/host/launcher.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(launcher, .timeout = 10);

static struct driver_host host;
static struct launcher launcher;
static unsigned n_gone;
static int fds[2];
static struct error err;

static void gone(struct launcher *l)
{
	check_eq(l, &launcher);
	n_gone++;
}

static const struct launcher_ops ops = { .gone = gone };

static void watch(void)
{
	check_eq(launcher_init(&launcher, &ops, &host.loop, fds[0], &err), 0, "%s", err.text);
	driver_settle(&host);
	check_eq(n_gone, 0);
}

static void setup(void)
{
	driver_host_init(&host);
	check_eq(pipe(fds), 0);
}

Test(launcher, end_of_a_pipe, .init = setup)
{
	watch();
	for (unsigned i = 0; i < 3; i++) {
		check_eq(write(fds[1], "x", 1), 1);
		driver_settle(&host);
		check_eq(n_gone, 0, "what it says is of no interest");
	}
	close(fds[1]);
	driver_settle(&host);
	check_eq(n_gone, 1);
	launcher_fini(&launcher);
	launcher_fini(&launcher);
}

Test(launcher, end_of_a_pipe_that_does_not_block, .init = setup)
{
	check_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	watch();
	check_eq(write(fds[1], "x", 1), 1);
	driver_settle(&host);
	check_eq(n_gone, 0);
	close(fds[1]);
	driver_settle(&host);
	check_eq(n_gone, 1);
}

Test(launcher, end_of_a_socket, .init = setup)
{
	check_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	watch();
	close(fds[1]);
	driver_settle(&host);
	check_eq(n_gone, 1);
}

/*
 * bad input: Launcher: --life-fd with a descriptor that is neither a pipe nor a socket, or is not
 * open -> refused
 */
Test(launcher, other_descriptors, .init = setup)
{
	unsigned before;

	fds[0] = open("/dev/null", O_RDONLY);
	before = open_descriptors();
	check_eq(launcher_init(&launcher, &ops, &host.loop, fds[0], &err), -EINVAL);
	check_contains(err.text, "is neither a pipe nor a socket");
	check_eq(open_descriptors(), before - 1, "it was taken");
	check_eq(launcher_init(&launcher, &ops, &host.loop, 999, &err), -EBADF);
	check_contains(err.text, "--life-fd fd:999: is not open");
	launcher_fini(&launcher);
}

/* In a child of a child, which sees its parent end before or after it asks. */
static void outlive(bool ends_before)
{
	int ready[2], go[2];
	pid_t middle;
	char c = 0;

	check_eq(pipe(ready), 0);
	check_eq(pipe(go), 0);
	middle = fork();
	if (middle == 0) {
		if (fork() == 0) {
			sigset_t set;
			int signo;

			launcher_note_parent();
			sigemptyset(&set);
			sigaddset(&set, SIGTERM);
			sigprocmask(SIG_BLOCK, &set, NULL);
			if (ends_before && (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 1))
				_exit(1);
			if (launcher_watch_parent(&launcher, &err) < 0)
				_exit(1);
			if (!ends_before && write(ready[1], &c, 1) != 1)
				_exit(1);
			sigwait(&set, &signo);
			c = launcher_parent_has_ended(&launcher) ? 'y' : 'n';
			_exit(write(ready[1], &c, 1) != 1);
		}
		pause();
	}
	check_eq(read(ready[0], &c, 1), 1);
	kill(middle, SIGKILL);
	check_eq(waitpid(middle, NULL, 0), middle);
	check_eq(write(go[1], &c, 1), 1);
	check_eq(read(ready[0], &c, 1), 1);
	check_eq(c, 'y');
}

Test(launcher, parent_that_ends)
{
	outlive(false);
}

Test(launcher, parent_that_ended_before)
{
	outlive(true);
}

Test(launcher, parent_that_is_there)
{
	launcher_note_parent();
	check_eq(launcher_watch_parent(&launcher, &err), 0);
	check_eq(launcher_parent_has_ended(&launcher), false);
	launcher = (struct launcher){ 0 };
	check_eq(launcher_parent_has_ended(&launcher), false);
}
