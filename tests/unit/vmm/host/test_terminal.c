// SPDX-License-Identifier: Apache-2.0
/*
 * A child with a pseudo-terminal of its own as standard input: raw while it runs, and as before
 * whichever way it ends. Start reading at run_child.
 */
#include "vmm/host/terminal.h"

#include "tests/support/check.h"
#include "vmm/base/container_of.h"
#include "vmm/host/signals.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

TestSuite(terminal, .timeout = 10);

static int master, slave;
static struct termios before;

static void setup(void)
{
	check_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	check_eq(tcgetattr(slave, &before), 0);
	cr_assert(before.c_lflag & ICANON, "a terminal begins as one");
}

static bool as_before(void)
{
	struct termios now;

	check_eq(tcgetattr(slave, &now), 0);
	return now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag &&
	       now.c_cflag == before.c_cflag && now.c_lflag == before.c_lflag;
}

static bool is_raw(void)
{
	struct termios now;

	check_eq(tcgetattr(slave, &now), 0);
	return !(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(now.c_iflag & (ICRNL | IXON | BRKINT | ISTRIP)) && (now.c_oflag & OPOST);
}

/*
 * Runs @body in a child whose controlling terminal and standard input is the slave. The body's
 * end of the pipe tells us that it is as far as it should be, and has it wait for us to look.
 */
struct child {
	pid_t pid;
	int reached[2], go[2];
};

static void start_child(struct child *child, void (*body)(struct child *child))
{
	check_eq(pipe(child->reached), 0);
	check_eq(pipe(child->go), 0);
	child->pid = fork();
	if (child->pid)
		return;
	setsid();
	if (ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, STDIN_FILENO) < 0)
		_exit(99);
	body(child);
	_exit(98);
}

/* In the child: says that it got here, and waits to be let on. */
static void reached(struct child *child)
{
	char c = 0;

	if (write(child->reached[1], &c, 1) != 1 || read(child->go[0], &c, 1) != 1)
		_exit(97);
}

static void await_reached(struct child *child)
{
	char c;

	check_eq(close(child->reached[1]), 0);
	check_eq(read(child->reached[0], &c, 1), 1, "the child ended too early");
}

static int let_go(struct child *child)
{
	char c = 0;
	int status;

	check_eq(write(child->go[1], &c, 1), 1);
	check_eq(waitpid(child->pid, &status, 0), child->pid);
	return status;
}

static void go_raw(struct child *child)
{
	if (terminal_raw() < 0)
		_exit(96);
	reached(child);
}

static void end_by_exit(struct child *child)
{
	go_raw(child);
	exit(7);
}

static void end_by_restore(struct child *child)
{
	go_raw(child);
	terminal_restore();
	terminal_restore();
	_exit(7);
}

static void end_by_abort(struct child *child)
{
	go_raw(child);
	abort();
}

static void end_by_segv(struct child *child)
{
	volatile int *nowhere = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	go_raw(child);
	*nowhere = 0;
}

static void end_by_bus_error(struct child *child)
{
	go_raw(child);
	raise(SIGBUS);
}

static void end_by_trap(struct child *child)
{
	go_raw(child);
	__builtin_trap();
}

/* As mvmm takes a signal: an event of the loop, then in order. */
static int caught_signo;

static void caught(struct signals *signals, int signo)
{
	caught_signo = signo;
	event_loop_stop(signals->loop);
}

static void end_by_signal(struct child *child)
{
	static const struct signals_ops ops = { .caught = caught };
	static struct event_loop loop;
	static struct signals signals;

	if (event_loop_init(&loop) < 0 || signals_init(&signals, &ops, &loop, NULL) < 0)
		_exit(95);
	signals_start(&signals);
	go_raw(child);
	event_loop_run(&loop);
	terminal_restore();
	signals_die(caught_signo);
}

static void expect_end(void (*body)(struct child *child), int signo_to_send, int status)
{
	struct child child;

	start_child(&child, body);
	await_reached(&child);
	cr_assert(is_raw());
	if (signo_to_send)
		kill(child.pid, signo_to_send);
	/* A core dump's mark is not our business. */
	check_eq(let_go(&child) & ~0x80, status);
	cr_assert(as_before());
}

Test(terminal, restored_at_exit, .init = setup)
{
	expect_end(end_by_exit, 0, 7 << 8);
}

Test(terminal, restored_by_hand, .init = setup)
{
	expect_end(end_by_restore, 0, 7 << 8);
}

Test(terminal, restored_after_abort, .init = setup)
{
	expect_end(end_by_abort, 0, SIGABRT);
}

Test(terminal, restored_after_a_segmentation_fault, .init = setup)
{
	expect_end(end_by_segv, 0, SIGSEGV);
}

Test(terminal, restored_after_a_bus_error, .init = setup)
{
	expect_end(end_by_bus_error, 0, SIGBUS);
}

Test(terminal, restored_after_a_bad_instruction, .init = setup)
{
	expect_end(end_by_trap, 0, SIGILL);
}

Test(terminal, restored_after_ending_signals, .init = setup)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		expect_end(end_by_signal, signals[i], signals[i]);
}

/* A job in the background must not change the terminal of the one in front. */
static void in_the_background(struct child *child)
{
	pid_t other = fork();

	if (other == 0) {
		setpgid(0, 0);
		if (terminal_raw() != 0)
			_exit(96);
		reached(child);
		_exit(7);
	}
	waitpid(other, NULL, 0);
	_exit(7);
}

Test(terminal, background_job_leaves_it_alone, .init = setup)
{
	struct child child;

	start_child(&child, in_the_background);
	await_reached(&child);
	cr_assert(as_before());
	check_eq(let_go(&child), 7 << 8);
	cr_assert(as_before());
}

/* As the shell's "bg" leaves it: who sets a terminal's modes from there is stopped. */
static void end_in_the_background(struct child *child)
{
	pid_t job = fork();
	int status;

	if (job == 0) {
		signal(SIGTTOU, SIG_IGN);
		setpgid(0, 0);
		tcsetpgrp(STDIN_FILENO, getpgrp());
		signal(SIGTTOU, SIG_DFL);
		if (terminal_raw() < 0)
			_exit(96);
		tcsetpgrp(STDIN_FILENO, getppid());
		terminal_restore();
		_exit(7);
	}
	waitpid(job, &status, WUNTRACED);
	reached(child);
	kill(job, SIGKILL);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 95);
}

Test(terminal, end_in_the_background_leaves_it_alone, .init = setup)
{
	struct child child;

	start_child(&child, end_in_the_background);
	await_reached(&child);
	check_eq(let_go(&child), 7 << 8);
	cr_assert(is_raw());
}

static void go_on(struct child *child)
{
	go_raw(child);
	go_raw(child);
	exit(7);
}

Test(terminal, raw_again_after_a_stop, .init = setup)
{
	struct child child;
	char c = 0;

	start_child(&child, go_on);
	await_reached(&child);
	check_eq(tcsetattr(slave, TCSANOW, &before), 0, "as a shell does");
	check_eq(write(child.go[1], &c, 1), 1);
	check_eq(read(child.reached[0], &c, 1), 1);
	cr_assert(is_raw());
	check_eq(let_go(&child), 7 << 8);
	cr_assert(as_before());
}

static bool is_unblocked(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK && isatty(fd) && !fcntl(fd, F_GETFD);
}

static void unblock(struct child *child)
{
	bool good;

	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	terminal_unblock();
	good = is_unblocked(STDIN_FILENO) && is_unblocked(STDOUT_FILENO) &&
	       !(fcntl(slave, F_GETFL) & O_NONBLOCK);
	reached(child);
	_exit(!good);
}

Test(terminal, unblocked_for_us_alone, .init = setup)
{
	struct child child;

	start_child(&child, unblock);
	await_reached(&child);
	check_eq(let_go(&child), 0);
}

Test(terminal, standard_input_is_none)
{
	int fds[2];

	check_eq(pipe(fds), 0);
	dup2(fds[0], STDIN_FILENO);
	check_eq(terminal_raw(), 0);
	terminal_restore();
	close(STDIN_FILENO);
	check_eq(terminal_raw(), 0);
}
