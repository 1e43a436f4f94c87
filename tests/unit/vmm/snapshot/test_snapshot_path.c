// SPDX-License-Identifier: Apache-2.0
/* Paths of clients, by openat2 and without it. */
#include "vmm/snapshot/snapshot_path.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/refuse_call.h"

#include <errno.h>
#include <sys/stat.h>

TestSuite(snapshot_path, .timeout = 10);

static char directory[32], name[NAME_MAX + 1];
static struct error err;
static unsigned before;
static int root;

static void setup(void)
{
	fixture_directory(directory);
	check_eq(chdir(directory), 0);
	check_eq(mkdir("root", 0700), 0);
	check_eq(mkdir("root/a", 0700), 0);
	check_eq(mkdir("root/a/b", 0700), 0);
	check_eq(symlink("a", "root/link"), 0);
	check_eq(symlink("..", "root/a/up"), 0);
	close(open("root/file", O_CREAT | O_WRONLY, 0600));
	root = open("root", O_PATH | O_DIRECTORY);
	before = open_descriptors();
}

static void teardown(void)
{
	check_eq(open_descriptors(), before);
	check_eq(chdir("/"), 0);
	fixture_remove(directory);
}

static int try(const char *path)
{
	int fd;

	strcpy(name, "none");
	fd = snapshot_path_open(root, path, "vm-save", name, &err);
	if (fd < 0)
		check_str(name, "none");
	else
		close(fd);
	return fd < 0 ? fd : 0;
}

/* Whether @path is looked for in @where. */
static void check_in(const char *path, const char *where, const char *expected)
{
	struct stat found, other;
	int fd = snapshot_path_open(root, path, "vm-save", name, &err);

	cr_assert(fd >= 0, "%s: %s", path, err.text);
	check_str(name, expected);
	check_eq(fstat(fd, &found), 0);
	check_eq(stat(where, &other), 0);
	check_eq(found.st_ino, other.st_ino, "%s", path);
	check_eq(fsync(fd), 0);
	close(fd);
}

static void check_all(void)
{
	check_in("new", "root", "new");
	check_in("a", "root", "a");
	check_in("a/new", "root/a", "new");
	check_in("a/b/...", "root/a/b", "...");
	check_in(".hidden", "root", ".hidden");
	check_in("\xc3\xa4 b", "root", "\xc3\xa4 b");
	check_eq(try("missing/new"), -ENOENT);
	check_str(err.text,
		  "vm-save: the path \"missing/new\" is in a directory that is not there; "
		  "make it below that of --snapshots");
	cr_assert(try("link/new") < 0);
	check_contains(err.text,
		       "vm-save: the directory of the path \"link/new\" cannot be opened: ");
	check_contains(err.text, "; name one that is no symbolic link and can be read");
	cr_assert(try("link/b/new") < 0);
	cr_assert(try("a/up/new") < 0);
	cr_assert(try("a/up/up/new") < 0);
	check_eq(try("file/new"), -ENOTDIR);
	/* Not followed here: whoever opens it must not follow it either. */
	check_in("link", "root", "link");
}

/*
 * bad input: Snapshots: vm-save to a path through a symbolic link, through a file, or through a
 * directory that does not exist -> refused, with and without the system call openat2
 */
Test(snapshot_path, directories, .init = setup, .fini = teardown)
{
	check_all();
	refuse_call(SYS_openat2, ENOSYS);
	check_all();
}

Test(snapshot_path, without_openat2_in_a_container, .init = setup, .fini = teardown)
{
	refuse_call(SYS_openat2, EPERM);
	check_all();
}

Test(snapshot_path, others_rename_for_ever, .init = setup, .fini = teardown)
{
	refuse_call(SYS_openat2, EAGAIN);
	check_eq(try("new"), -EAGAIN);
}

/*
 * bad input: Snapshots: vm-save to a path that is empty, absolute or too long, has a part that is
 * empty, . or .., has control characters, or has a name that mvmm itself uses -> refused
 */
Test(snapshot_path, refused, .init = setup, .fini = teardown)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "", "is empty" },
		{ "/", "is absolute" },
		{ "/tmp/x", "is absolute" },
		{ "..", "has a part . or .." },
		{ ".", "has a part . or .." },
		{ "../x", "has a part . or .." },
		{ "a/../../x", "has a part . or .." },
		{ "a/./x", "has a part . or .." },
		{ "a/..", "has a part . or .." },
		{ "a/", "has an empty part" },
		{ "a//b", "has an empty part" },
		{ ".mvmm-save-0", "has a part that begins with .mvmm-save-" },
		{ "a/.mvmm-save-", "has a part that begins with .mvmm-save-" },
	};
	char text[PATH_MAX + 200], path[PATH_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(try(cases[i].path), -EINVAL, "%s", cases[i].path);
		snprintf(text, sizeof(text),
			 "vm-save: the path \"%s\" %s; give one below the directory of --snapshots",
			 cases[i].path, cases[i].why);
		check_str(err.text, text);
	}
	memset(path, 'x', sizeof(path));
	path[NAME_MAX] = '\0';
	check_eq(try(path), 0);
	path[NAME_MAX] = 'x';
	path[NAME_MAX + 1] = '\0';
	check_eq(try(path), -EINVAL);
	for (size_t i = 0; i < PATH_MAX; i++)
		path[i] = i % 2 ? '/' : 'x';
	path[PATH_MAX] = '\0';
	check_eq(try(path), -EINVAL);
	check_contains(err.text, "x/x/\" is too long; give one below");
	path[PATH_MAX - 1] = '\0';
	check_eq(try(path), -ENOENT);
	for (int c = 1; c < 0x21; c++) {
		snprintf(path, sizeof(path), "a%cb", c == 0x20 ? 0x7f : c);
		check_eq(try(path), -EINVAL, "0x%x", c);
		check_str(err.text,
			  "vm-save: the path has a control character; give a path without "
			  "one");
	}
}
