// SPDX-License-Identifier: Apache-2.0
/* vmm/control/named_files.c: getfd and closefd. */
#include "vmm/control/named_files.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static unsigned count;
static struct named_files files = { .count = &count };
static struct error err;

static int new_fd(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(named_files, names_come_in_the_order_of_the_descriptors)
{
	int a = new_fd(), b = new_fd();

	named_files_receive(&files, a);
	named_files_receive(&files, b);
	check_eq(named_files_name(&files, "a", &err), 0, "%s", err.text);
	check_eq(named_files_name(&files, "b", &err), 0, "%s", err.text);
	check_eq(named_files_take(&files, "b", &err), b);
	check_eq(count, 1);
	check_eq(named_files_take(&files, "b", &err), -ENOENT);
	check_str(err.text, "File descriptor named 'b' not found");
	check_eq(named_files_close(&files, "a", &err), 0);
	cr_assert(!is_open(a));
	cr_assert(is_open(b));
	check_eq(count, 0);
	check_eq(named_files_close(&files, "a", &err), -ENOENT);
}

/* bad input: Control socket: getfd without a descriptor, or with a name that begins with a digit ->
 * QEMU's errors; a descriptor that came is closed */
Test(named_files, refused)
{
	int fd = new_fd();

	check_eq(named_files_name(&files, "a", &err), -EINVAL);
	check_str(err.text, "No file descriptor supplied via SCM_RIGHTS");
	named_files_receive(&files, fd);
	check_eq(named_files_name(&files, "1a", &err), -EINVAL);
	check_str(err.text, "Parameter 'fdname' expects a name not starting with a digit");
	cr_assert(!is_open(fd));
	check_eq(count, 0);
}

Test(named_files, name_is_used_again)
{
	int a = new_fd(), b = new_fd();

	named_files_receive(&files, a);
	check_eq(named_files_name(&files, "x", &err), 0);
	named_files_receive(&files, b);
	check_eq(named_files_name(&files, "x", &err), 0);
	cr_assert(!is_open(a));
	check_eq(named_files_take(&files, "x", &err), b);
	check_eq(count, 0);
}

/* bad input: Control socket: more descriptors than all clients may have -> those that are too many
 * are closed */
Test(named_files, too_many)
{
	unsigned other_count = NAMED_FILES_MAX;
	struct named_files other = { .count = &other_count };
	int fd = new_fd();

	named_files_receive(&other, fd);
	cr_assert(!is_open(fd));
	check_eq(named_files_name(&other, "a", &err), -EINVAL);
}

Test(named_files, all_are_closed_at_the_end)
{
	int a = new_fd(), b = new_fd();

	named_files_receive(&files, a);
	check_eq(named_files_name(&files, "a", &err), 0);
	named_files_receive(&files, b);
	named_files_fini(&files);
	cr_assert(!is_open(a) && !is_open(b));
	check_eq(count, 0);
}
