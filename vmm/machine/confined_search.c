// SPDX-License-Identifier: Apache-2.0
/* Forks, confines the child, and takes its answer from a pipe. Start reading at search_apart. */
#include "vmm/machine/confined_search.h"

#include "boot/archive_api.h"
#include "boot/kernel_file.h"
#include "vmm/base/container_of.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS 300 /* far more than any kernel takes, also on slow machines */

/* Written by the child at once (it is shorter than PIPE_BUF), and not to be trusted. */
struct answer {
	int ret;
	unsigned platform;
	uint64_t searched;
	char text[sizeof(((struct kernel_probe *)0)->reason)]; /* the reason, or the error */
};

/* Only before the filter is there can the library be opened; it then stays open. */
static int load_library(const struct input_file *file, struct error *err)
{
	enum kernel_format format;
	struct archive_api library;
	int ret = kernel_file_identify(file, &format, err);

	if (ret == 0 && format != KERNEL_ELF)
		ret = archive_api_open(&library, err);
	return ret;
}

/* A launcher may allow less already, and raising that needs a capability. */
static int limit_cpu_time(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0)
		return -1;
	if (limit.rlim_max > CPU_SECONDS)
		limit.rlim_max = CPU_SECONDS;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_CPU, &limit);
}

/* From here on the child has the kernel as its standard input, @fd as its output, and no more. */
static int confine(const struct confined_search *confined, const struct input_file *file, int fd)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || limit_cpu_time() < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || dup2(file->fd, STDIN_FILENO) < 0 ||
	    dup2(fd, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO, ~0u, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return sandbox_confine_thread(confined->sandbox, SANDBOX_SEARCH,
				      (struct sandbox_descriptors){ 0 });
}

static _Noreturn void child(const struct confined_search *confined, const struct input_file *file,
			    int fd)
{
	struct input_file input = *file;
	struct kernel_probe probe = { .cached = false };
	struct answer answer = { 0 };
	struct error err = { 0 };

	answer.ret = load_library(file, &err);
	if (answer.ret == 0) {
		answer.ret = confine(confined, file, fd);
		fd = STDOUT_FILENO;
		input.fd = STDIN_FILENO;
		if (answer.ret < 0)
			error_system(&err, -answer.ret, "cannot confine what looks inside it");
		else
			answer.ret = confined->search(&input, &probe, &err);
	}
	answer.platform = probe.platform;
	answer.searched = probe.searched;
	snprintf(answer.text, sizeof(answer.text), "%.*s", (int)sizeof(answer.text) - 1,
		 answer.ret < 0 ? err.text : probe.reason);
	_exit(write(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

static ssize_t read_answer(int fd, struct answer *answer)
{
	ssize_t n;

	do
		n = read(fd, answer, sizeof(*answer));
	while (n < 0 && errno == EINTR);
	return n;
}

/* How the child ended, as waitpid says it; 0 where a launcher had SIGCHLD ignored. */
static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int refuse(int status, struct error *err)
{
	if (WIFSIGNALED(status))
		return error_set(err, ECHILD,
				 "the process that unpacks it was ended by signal %d (%s)",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
	return error_set(err, ECHILD, "the process that unpacks it gave no answer");
}

static int take_answer(struct answer *answer, struct kernel_probe *probe, struct error *err)
{
	answer->text[sizeof(answer->text) - 1] = '\0';
	probe->searched = answer->searched;
	if (answer->ret < 0)
		return error_set(err, answer->ret == -ENOENT ? ENOENT : EINVAL, "%s", answer->text);
	if (answer->platform != BOOT_PLATFORM_ACPI && answer->platform != BOOT_PLATFORM_DT)
		return refuse(0, err);
	probe->platform = (enum boot_platform)answer->platform;
	memcpy(probe->reason, answer->text, sizeof(probe->reason));
	return 0;
}

static int search_apart(struct kernel_searcher *searcher, const struct input_file *file,
			struct kernel_probe *probe, struct error *err)
{
	struct confined_search *confined = container_of(searcher, struct confined_search, searcher);
	struct answer answer;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_system(err, errno, "cannot make a pipe for what unpacks it");
	pid = fork();
	if (pid == 0)
		child(confined, file, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		status = errno;
		close(fds[0]);
		return error_system(err, status, "cannot make a process that unpacks it");
	}
	n = read_answer(fds[0], &answer);
	close(fds[0]);
	status = reap(pid);
	return n == (ssize_t)sizeof(answer) ? take_answer(&answer, probe, err)
					    : refuse(status, err);
}

void confined_search_init(struct confined_search *confined, const struct sandbox_options *sandbox)
{
	*confined = (struct confined_search){ .searcher.search = search_apart,
					      .sandbox = sandbox,
					      .search = kernel_search };
}
