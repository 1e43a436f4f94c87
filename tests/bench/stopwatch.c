// SPDX-License-Identifier: Apache-2.0
/*
 * Starts a command many times and tells of each run how long it took until its first byte of
 * output, and how much CPU time it had used by then: at that byte the command is killed. The same
 * for everything that is compared, and without an interpreter's noise. Read main from the top.
 *
 *     stopwatch TIMES COMMAND [ARGUMENT]...
 *
 * prints a line "WALL-NS CPU-NS" for each run.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 60000

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int64_t ns_of(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000LL + tv->tv_usec * 1000LL;
}

static pid_t start(char **argv, int out_fd)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		errx(EXIT_FAILURE, "%s: cannot be started", argv[0]);
	return pid;
}

static void measure(char **argv)
{
	struct rusage usage;
	int fds[2], status;
	int64_t begin, end;
	char byte;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(EXIT_FAILURE, "pipe");
	begin = now_ns();
	pid = start(argv, fds[1]);
	close(fds[1]);
	if (poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, TIMEOUT_MS) != 1 ||
	    read(fds[0], &byte, 1) != 1) {
		kill(pid, SIGKILL);
		errx(EXIT_FAILURE, "%s: ended, or ran for a minute, without a byte of output",
		     argv[0]);
	}
	end = now_ns();
	kill(pid, SIGKILL);
	wait4(pid, &status, 0, &usage);
	close(fds[0]);
	printf("%lld %lld\n", (long long)(end - begin),
	       (long long)(ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime)));
}

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[1]) : 0;

	if (times < 1)
		errx(EXIT_FAILURE, "usage: stopwatch TIMES COMMAND [ARGUMENT]...");
	for (int i = 0; i < times; i++)
		measure(argv + 2);
	return 0;
}
