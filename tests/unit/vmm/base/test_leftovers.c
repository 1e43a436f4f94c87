// SPDX-License-Identifier: Apache-2.0
/* Files that are removed, kept and replaced. */
#include "vmm/base/leftovers.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

TestSuite(leftovers, .timeout = 10);

static char dir[32];
static int dir_fd;

static void setup(void)
{
	fixture_directory(dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	cr_assert(dir_fd >= 0);
}

/* What a test keeps it removes. */
static void teardown(void)
{
	check_eq(rmdir(dir), 0, "something was left in %s", dir);
}

static int make(const char *name)
{
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL, 0600);

	cr_assert(fd >= 0);
	return fd;
}

static struct leftover *make_and_add(const char *name)
{
	int fd = make(name);
	struct leftover *l;
	struct stat st;

	check_eq(fstat(fd, &st), 0);
	close(fd);
	l = leftovers_add(dir_fd, name, &st);
	cr_assert(l);
	return l;
}

static bool is_there(const char *name)
{
	return faccessat(dir_fd, name, F_OK, 0) == 0;
}

Test(leftovers, all_are_removed, .init = setup, .fini = teardown)
{
	make_and_add("a");
	make_and_add("b");
	make_and_add("c");
	leftovers_remove();
	leftovers_remove();
}

Test(leftovers, what_is_forgotten_stays, .init = setup, .fini = teardown)
{
	struct leftover *all[3];
	static const char *const names[] = { "a", "b", "c" };

	for (unsigned i = 0; i < 3; i++)
		all[i] = make_and_add(names[i]);
	leftovers_forget(NULL);
	leftovers_forget(all[1]);
	leftovers_remove();
	cr_assert(is_there("b"));
	check_eq(unlinkat(dir_fd, "b", 0), 0);
	leftovers_forget(all[0]);
	leftovers_forget(all[2]);
}

/* Its name is copied, because the caller's may be gone by then. */
Test(leftovers, another_of_that_name_stays, .init = setup, .fini = teardown)
{
	char name[] = "a";

	make_and_add(name);
	name[0] = 'x';
	check_eq(renameat(dir_fd, "a", dir_fd, "old"), 0);
	close(make("a"));
	leftovers_remove();
	cr_assert(is_there("a"));
	check_eq(unlinkat(dir_fd, "a", 0), 0);
	check_eq(unlinkat(dir_fd, "old", 0), 0);
}

Test(leftovers, what_grew_is_emptied, .init = setup, .fini = teardown)
{
	int fd = make("a");
	struct stat st;

	check_eq(ftruncate(fd, 4096), 0);
	cr_assert(leftovers_add_grown(fd));
	leftovers_remove();
	check_eq(fstat(fd, &st), 0);
	check_eq(st.st_size, 0);
	check_eq(unlinkat(dir_fd, "a", 0), 0);
}

/* The other thread was about to make it. */
Test(leftovers, what_comes_too_late_is_removed, .init = setup, .fini = teardown)
{
	struct leftover *late;

	leftovers_remove();
	late = make_and_add("a");
	cr_assert_not(is_there("a"));
	leftovers_forget(late);
}
