// SPDX-License-Identifier: Apache-2.0
/* What is a snapshot, what is removed, and what stays. */
#include "vmm/snapshot/snapshot_remove.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>

TestSuite(snapshot_remove, .timeout = 10);

static char directory[32];
static unsigned before;
static int root;

static void setup(void)
{
	fixture_directory(directory);
	check_eq(chdir(directory), 0);
	root = open(".", O_RDONLY | O_DIRECTORY);
	before = open_descriptors();
}

static void teardown(void)
{
	check_eq(open_descriptors(), before);
	check_eq(chdir("/"), 0);
	fixture_remove(directory);
}

static void make_file(const char *path, const char *contents, size_t len)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);

	check_eq(write(fd, contents, len), len, "%s", path);
	close(fd);
}

/* A snapshot in @path; files may be added. */
static void make_snapshot(const char *path)
{
	char file[64];

	check_eq(mkdir(path, 0700), 0);
	snprintf(file, sizeof(file), "%s/state", path);
	make_file(file, "mvmm snapshot\0\0\0\1", 17);
	snprintf(file, sizeof(file), "%s/memory", path);
	make_file(file, "", 0);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static char other[NAME_MAX + 1];

static int check(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), ret;

	*other = '\0';
	ret = snapshot_remove_check(fd, other);
	close(fd);
	return ret;
}

Test(snapshot_remove, snapshot, .init = setup, .fini = teardown)
{
	make_snapshot("a");
	check_eq(check("a"), 0);
	check_eq(snapshot_remove(root, "a"), 0);
	check_eq(exists("a"), false);
	check_eq(snapshot_remove(root, "a"), -ENOENT);
}

/*
 * bad input: Snapshots: vm-save onto a directory that holds another file, a directory, or links
 * with the names of a snapshot's files -> the directory stays as it is
 */
Test(snapshot_remove, what_is_not_ours, .init = setup, .fini = teardown)
{
	make_snapshot("a");
	make_file("a/letter", "", 0);
	check_eq(check("a"), -ENOTEMPTY);
	check_str(other, "letter");
	check_eq(snapshot_remove(root, "a"), -ENOTEMPTY);
	check_eq(exists("a/state"), true);
	check_eq(exists("a/letter"), true);
	check_eq(unlink("a/letter"), 0);
	check_eq(unlink("a/memory"), 0);
	check_eq(mkdir("a/memory", 0700), 0);
	check_eq(check("a"), -ENOTEMPTY);
	check_eq(snapshot_remove(root, "a"), -ENOTEMPTY);
	check_eq(exists("a/state"), true);
	check_eq(rmdir("a/memory"), 0);
	check_eq(symlink("state", "a/memory"), 0);
	check_eq(check("a"), -ENOTEMPTY);
	check_str(other, "memory");
	check_eq(symlink("a", "link"), 0);
	check_eq(snapshot_remove(root, "link"), -ENOTDIR);
	make_file("file", "", 0);
	check_eq(snapshot_remove(root, "file"), -ENOTDIR);
	check_eq(exists("file"), true);
}

Test(snapshot_remove, no_state, .init = setup, .fini = teardown)
{
	check_eq(mkdir("a", 0700), 0);
	check_eq(check("a"), -EINVAL);
	make_file("a/state", "mvmm snapshot\0\0", 15);
	check_eq(check("a"), -EINVAL, "too short");
	check_eq(unlink("a/state"), 0);
	make_file("a/state", "mvmm snapshot\0\0x", 16);
	check_eq(check("a"), -EINVAL);
	/* What was not completed is removed all the same. */
	check_eq(snapshot_remove(root, "a"), 0);
	check_eq(exists("a"), false);
}

/* A save that was complete before the lock was asked for, and another one in its place. */
Test(snapshot_remove, renamed_meanwhile, .init = setup, .fini = teardown)
{
	int fd;

	make_snapshot("a");
	fd = open("a", O_RDONLY | O_DIRECTORY);
	check_eq(rename("a", "b"), 0);
	check_eq(snapshot_remove_opened(root, "a", fd), -ENOENT);
	make_snapshot("a");
	check_eq(snapshot_remove_opened(root, "a", fd), -ENOENT);
	check_eq(check("a"), 0);
	check_eq(check("b"), 0);
	check_eq(snapshot_remove_opened(root, "b", fd), 0);
	check_eq(exists("b"), false);
	close(fd);
}

static const char left[] = ".mvmm-save-0123456789abcdef";

Test(snapshot_remove, leftovers, .init = setup, .fini = teardown)
{
	static const char *const stay[] = {
		"a",
		".mvmm-save-",
		".mvmm-save-0123456789abcde",
		".mvmm-save-0123456789abcdef0",
		".mvmm-save-0123456789abcdef-",
		".mvmm-save-0123456789abcdeF",
		".mvmm-sava-0123456789abcdef",
		"x.mvmm-save-0123456789abcdef",
	};
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		make_snapshot(stay[i]);
	make_snapshot(left);
	check_eq(mkdir(".mvmm-save-ffffffffffffffff", 0700), 0);
	make_snapshot(".mvmm-save-aaaaaaaaaaaaaaaa");
	make_file(".mvmm-save-aaaaaaaaaaaaaaaa/letter", "", 0);
	make_file(".mvmm-save-bbbbbbbbbbbbbbbb", "", 0);
	/* Somebody saves there. */
	fd = open(left, O_RDONLY | O_DIRECTORY);
	check_eq(flock(fd, LOCK_EX), 0);
	check_eq(snapshot_remove(root, left), -EBUSY);
	snapshot_remove_leftovers(root);
	check_eq(exists(left), true);
	check_eq(exists(".mvmm-save-ffffffffffffffff"), false);
	check_eq(exists(".mvmm-save-aaaaaaaaaaaaaaaa/state"), true);
	check_eq(exists(".mvmm-save-bbbbbbbbbbbbbbbb"), true);
	close(fd);
	snapshot_remove_leftovers(root);
	check_eq(exists(left), false);
	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		check_eq(exists(stay[i]), true, "%s", stay[i]);
}
