// SPDX-License-Identifier: Apache-2.0
/* Files by path under Landlock, on this machine's kernel. */
#include "vmm/sandbox/sandbox_landlock.h"

#include "tests/support/check.h"
#include "tests/support/refuse_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(sandbox_landlock, .timeout = 10);

static char top[] = "/tmp/mvmm-test.XXXXXX";
static int rules_fd;

static int open_directory(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_assert(fd >= 0);
	return fd;
}

static void make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	cr_assert(fd >= 0);
	close(fd);
}

/* Removes the directory when this process, which cannot any more by then, has ended. */
static void clean_up_afterwards(void)
{
	int pipes[2];

	check_eq(pipe(pipes), 0);
	if (fork() == 0) {
		dup2(pipes[0], STDIN_FILENO);
		close_range(STDERR_FILENO + 1, ~0U, 0);
		execlp("sh", "sh", "-c", "read -r line; rm -rf \"$0\"", top, (char *)NULL);
		_exit(1);
	}
	close(pipes[0]);
}

/* In the test's directory: in/file and out/file. */
static void setup(void)
{
	cr_assert(mkdtemp(top));
	clean_up_afterwards();
	check_eq(chdir(top), 0);
	check_eq(mkdir("in", 0700), 0);
	check_eq(mkdir("out", 0700), 0);
	make_file("in/file");
	make_file("out/file");
	rules_fd = sandbox_landlock_new();
	cr_assert(rules_fd >= 0, "this kernel needs Landlock");
}

static void enforce(void)
{
	check_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_eq(sandbox_landlock_enforce(rules_fd), 0);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

Test(sandbox_landlock, nothing_is_allowed, .init = setup)
{
	int fd = open("in/file", O_RDWR);

	enforce();
	check_eq(try_open("in/file", O_RDONLY), -EACCES);
	check_eq(try_open("in/new", O_RDWR | O_CREAT), -EACCES);
	check_eq(try_open("/dev/null", O_RDONLY), -EACCES);
	check_eq(unlink("in/file") < 0 ? -errno : 0, -EACCES);
	check_eq(write(fd, "x", 1), 1, "what is open stays so");
	check_eq(ftruncate(fd, 100), 0);
}

Test(sandbox_landlock, files_may_be_opened, .init = setup)
{
	check_eq(sandbox_landlock_allow(rules_fd, open_directory("in"), SANDBOX_OPEN_FILES), 0);
	enforce();
	check_eq(try_open("in/file", O_RDWR), 0);
	check_eq(try_open("in/new", O_RDWR | O_CREAT), 0);
	check_eq(try_open("in", O_RDONLY | O_DIRECTORY), 0);
	check_eq(unlink("in/new"), 0);
	check_eq(try_open("out/file", O_RDONLY), -EACCES);
	check_eq(try_open("in/../out/file", O_RDONLY), -EACCES);
	check_eq(try_open("out/new", O_RDWR | O_CREAT), -EACCES);
}

Test(sandbox_landlock, files_may_be_removed, .init = setup)
{
	int in = open_directory("in");

	check_eq(sandbox_landlock_allow(rules_fd, in, SANDBOX_REMOVE_FILES), 0);
	enforce();
	check_eq(try_open("in/file", O_RDONLY), -EACCES);
	check_eq(unlinkat(in, "file", 0), 0);
	check_eq(unlink("out/file") < 0 ? -errno : 0, -EACCES);
}

Test(sandbox_landlock, older_kernels)
{
	refuse_call(SYS_landlock_create_ruleset, ENOSYS);
	check_eq(sandbox_landlock_new(), -ENOSYS);
}

Test(sandbox_landlock, not_switched_on)
{
	refuse_call(SYS_landlock_create_ruleset, EOPNOTSUPP);
	check_eq(sandbox_landlock_new(), -EOPNOTSUPP);
}
