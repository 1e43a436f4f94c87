// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a command and prints each line of its output behind the time at which it ended, so that what
 * a guest prints tells when it was where. Where time is counted in instructions
 * (scripts/host/emulated-host
 * --icount) so is this. Start at main.
 *
 *     timeline COMMAND [ARGUMENT]...
 *
 * prints "NS IDLE-MS LINE", both since the start of COMMAND: how much of that time the processors
 * had nothing to do is to be subtracted. The last line is "NS IDLE-MS end STATUS".
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct moment {
	int64_t ns;
	int64_t idle_ms; /* of all processors together */
};

static struct moment now(void)
{
	struct timespec ts;
	long long idle;
	FILE *file = fopen("/proc/stat", "re");

	/* user, nice, system, idle */
	if (!file || fscanf(file, "cpu %*d %*d %*d %lld", &idle) != 1)
		err(EXIT_FAILURE, "/proc/stat");
	fclose(file);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct moment){ ts.tv_sec * 1000000000LL + ts.tv_nsec,
				idle * 1000 / sysconf(_SC_CLK_TCK) };
}

static pid_t start(char **argv, int out_fd)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		errx(EXIT_FAILURE, "%s: cannot be started", argv[0]);
	return pid;
}

static void print(const struct moment *begin, const char *line)
{
	struct moment at = now();

	printf("%lld %lld %s\n", (long long)(at.ns - begin->ns),
	       (long long)(at.idle_ms - begin->idle_ms), line);
}

int main(int argc, char **argv)
{
	char line[1024], end[32];
	struct moment begin;
	int fds[2], status;
	FILE *output;
	pid_t pid;

	if (argc < 2)
		errx(EXIT_FAILURE, "usage: timeline COMMAND [ARGUMENT]...");
	if (pipe2(fds, O_CLOEXEC) < 0)
		err(EXIT_FAILURE, "pipe");
	begin = now();
	pid = start(argv + 1, fds[1]);
	close(fds[1]);
	output = fdopen(fds[0], "r");
	if (!output)
		err(EXIT_FAILURE, "fdopen");
	while (fscanf(output, " %1023[^\r\n]", line) == 1)
		print(&begin, line);
	waitpid(pid, &status, 0);
	snprintf(end, sizeof(end), "end %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	print(&begin, end);
	return 0;
}
