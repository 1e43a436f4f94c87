// SPDX-License-Identifier: Apache-2.0
/* Files that are made, and taken back or kept. */
#include "vmm/base/made_file.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "vmm/base/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(made_file, .timeout = 10);

#define FLAGS (O_RDWR | O_CREAT | O_CLOEXEC)

static char dir[] = "/tmp/mvmm-test-XXXXXX";
static unsigned before;

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	check_eq(chdir(dir), 0);
	before = open_descriptors();
}

static void teardown(void)
{
	unlink("file");
	unlink("other");
	check_eq(rmdir(dir), 0);
}

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 ? -1 : st.st_size;
}

static int open_and_grow(struct made_file *made, const char *name)
{
	int fd = made_file_open(made, name, FLAGS);

	cr_assert(fd >= 0);
	check_eq(ftruncate(fd, 4096), 0);
	made_file_grown(made, fd);
	return fd;
}

Test(made_file, new_one_is_removed, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 };
	int fd = open_and_grow(&made, "file");

	made_file_take_back(&made, fd);
	made_file_take_back(&made, fd);
	check_eq(size_of("file"), -1);
	close(fd);
	check_eq(open_descriptors(), before);
}

Test(made_file, old_one_is_emptied, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 };
	int fd;

	close(open("file", FLAGS, 0600));
	fd = open_and_grow(&made, "file");
	made_file_take_back(&made, fd);
	check_eq(size_of("file"), 0);
	close(fd);
	check_eq(open_descriptors(), before);
}

/* A start that is ended while its thread is held up. */
Test(made_file, is_left_until_it_is_kept, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 }, grown = { 0 }, kept = { 0 };
	int fd, kept_fd;

	close(open("other", O_WRONLY | O_CREAT, 0600));
	fd = open_and_grow(&grown, "other");
	close(open_and_grow(&made, "file"));
	kept_fd = open_and_grow(&kept, "kept");
	made_file_keep(&kept);
	leftovers_remove();
	check_eq(size_of("file"), -1);
	check_eq(size_of("other"), 0);
	check_eq(size_of("kept"), 4096);
	check_eq(unlink("kept"), 0);
	made_file_take_back(&grown, fd);
	made_file_keep(&made);
	close(kept_fd);
	close(fd);
	check_eq(open_descriptors(), before);
}

Test(made_file, what_was_kept_stays, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 };
	int fd = open_and_grow(&made, "file");

	made_file_keep(&made);
	made_file_take_back(&made, fd);
	check_eq(size_of("file"), 4096);
	close(fd);
	check_eq(open_descriptors(), before);
}

/*
 * bad input: Backing file: a failed start made a file, and another file has taken its name since ->
 * the other file stays
 */
Test(made_file, another_of_that_name_stays, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 };
	int fd = open_and_grow(&made, "file");

	check_eq(rename("file", "other"), 0);
	close(open("file", FLAGS, 0600));
	made_file_take_back(&made, fd);
	check_eq(size_of("file"), 0);
	close(fd);
}

Test(made_file, cannot_be_opened, .init = setup, .fini = teardown)
{
	struct made_file made = { 0 };

	check_eq(made_file_open(&made, "file", O_RDWR), -ENOENT);
	check_eq(made_file_open(&made, "missing/file", FLAGS), -ENOENT);
	check_eq(symlink("missing/file", "file"), 0);
	check_eq(made_file_open(&made, "file", FLAGS), -ENOENT);
	check_eq(made_file_open(&made, ".", FLAGS), -EISDIR);
	check_eq(open_descriptors(), before);
}
