// SPDX-License-Identifier: Apache-2.0
/* Files that get their names at the end: without a name until then, and with one. */
#include "vmm/base/temporary_file.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(temporary_file, .timeout = 10);

static char dir[32];
static int dir_fd;
static unsigned descriptors;
static struct temporary_file file;

static void setup(void)
{
	fixture_directory(dir);
	dir_fd = open(dir, O_PATH | O_DIRECTORY);
	cr_assert(dir_fd >= 0);
	descriptors = open_descriptors();
}

/* Nothing is left. */
static void teardown(void)
{
	temporary_file_fini(&file);
	temporary_file_fini(&file);
	check_eq(open_descriptors(), descriptors);
	check_eq(rmdir(dir), 0, "something was left in %s", dir);
}

/* As where /proc is not mounted; the descriptors are counted before. */
static void hide_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		cr_skip_test("needs root");
	check_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	check_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
}

static void show_proc(void)
{
	check_eq(umount("/proc"), 0);
}

static nlink_t links(void)
{
	struct stat st;

	check_eq(fstat(file.fd, &st), 0);
	check_eq(st.st_mode, S_IFREG | 0600);
	return st.st_nlink;
}

static void check_named(const char *name)
{
	struct stat named, own;

	check_eq(fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW), 0);
	check_eq(fstat(file.fd, &own), 0);
	check_eq(named.st_ino, own.st_ino);
	check_eq(unlinkat(dir_fd, name, 0), 0);
}

Test(temporary_file, has_no_name_until_it_gets_one, .init = setup, .fini = teardown)
{
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	check_eq(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
	check_eq(fcntl(file.proc_fd, F_GETFD), FD_CLOEXEC);
	check_eq(write(file.fd, "x", 1), 1);
	check_eq(links(), 0);
	check_eq(temporary_file_name(&file, "r"), 0);
	check_eq(links(), 1);
	check_named("r");
}

Test(temporary_file, goes_unless_it_gets_one, .init = setup, .fini = teardown)
{
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	temporary_file_fini(&file);
	hide_proc();
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	check_eq(links(), 1);
	show_proc();
}

Test(temporary_file, replaces_what_has_the_name, .init = setup, .fini = teardown)
{
	close(openat(dir_fd, "r", O_WRONLY | O_CREAT, 0644));
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	check_eq(temporary_file_name(&file, "r"), 0);
	check_eq(links(), 1);
	check_named("r");
}

Test(temporary_file, without_proc, .init = setup, .fini = teardown)
{
	struct stat st;

	hide_proc();
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	show_proc();
	check_eq(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
	check_eq(links(), 1);
	check_eq(strlen(file.name), strlen(".r.") + 16);
	check_eq(fstatat(dir_fd, file.name, &st, 0), 0);
	check_eq(temporary_file_name(&file, "r"), 0);
	check_eq(links(), 1);
	check_named("r");
}

Test(temporary_file, names_differ, .init = setup, .fini = teardown)
{
	char first[sizeof(file.name)];

	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	memcpy(first, file.name, sizeof(first));
	temporary_file_fini(&file);
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	cr_assert(strcmp(file.name, first) != 0);
}

static void cannot_get_its_name(void)
{
	check_eq(temporary_file_open(&file, dir_fd, ".r", 0600), 0);
	check_eq(mkdirat(dir_fd, "r", 0700), 0);
	check_eq(temporary_file_name(&file, "r"), -EISDIR);
	check_eq(links(), 0);
	check_eq(unlinkat(dir_fd, "r", AT_REMOVEDIR), 0);
}

Test(temporary_file, cannot_get_its_name, .init = setup, .fini = teardown)
{
	cannot_get_its_name();
}

Test(temporary_file, cannot_get_its_name_without_proc, .init = setup, .fini = teardown)
{
	hide_proc();
	cannot_get_its_name();
	show_proc();
}

Test(temporary_file, cannot_be_made, .init = setup, .fini = teardown)
{
	char prefix[NAME_MAX];
	int proc_fd = open("/proc", O_PATH);

	memset(prefix, 'r', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	check_eq(temporary_file_open(&file, dir_fd, prefix, 0600), -ENAMETOOLONG);
	check_eq(temporary_file_open(&file, proc_fd, ".r", 0600), -ENOENT);
	check_eq(file.fd, 0);
	close(proc_fd);
}
