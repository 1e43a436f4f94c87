// SPDX-License-Identifier: Apache-2.0
/* Paths and descriptors as arguments: which descriptors can be taken, for what, and how often. */
#include "vmm/base/file_argument.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(file_argument, .timeout = 10);

static struct error err;
static char text[32];

static int take_descriptor(int fd, int access)
{
	snprintf(text, sizeof(text), "fd:%d", fd);
	return file_argument_take("--option", text, access, &err);
}

Test(file_argument, tells_descriptors_from_paths)
{
	cr_assert(file_argument_is_fd("fd:3"));
	cr_assert(file_argument_is_fd("fd:"));
	cr_assert_not(file_argument_is_fd("./fd:3"));
	cr_assert_not(file_argument_is_fd("fd"));
	cr_assert_not(file_argument_is_fd("/dev/fd/3"));
	cr_assert_not(file_argument_is_fd(""));
}

Test(file_argument, takes_it_as_it_is)
{
	int fd = memfd_create("file", 0);

	check_eq(lseek(fd, 42, SEEK_SET), 42);
	check_eq(take_descriptor(fd, O_RDWR), fd, "%s", err.text);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_eq(lseek(fd, 0, SEEK_CUR), 42);
}

/*
 * bad input: Launcher: fd:N whose N is missing, too large for an int, or followed by more text ->
 * refused
 */
Test(file_argument, bad_numbers)
{
	static const char *const bad[] = {
		"fd:",	  "fd:x",	   "fd:3x",
		"fd:-1",  "fd:+3",	   "fd: 3",
		"fd:0x3", "fd:2147483648", "fd:18446744073709551619",
		"3",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check_eq(file_argument_take("--option", bad[i], O_RDONLY, &err), -EINVAL, "%s",
			 bad[i]);
		check_contains(err.text, "must be fd: and the number of an open descriptor");
		check_contains(err.text, bad[i]);
	}
}

/*
 * bad input: Launcher: fd:N that is not open -> refused; the error names it and says how to pass a
 * descriptor
 */
Test(file_argument, not_open)
{
	unsigned before = open_descriptors();

	check_eq(take_descriptor(999, O_RDONLY), -EBADF);
	check_str(err.text,
		  "--option fd:999: is not open; start mvmm with that descriptor open and "
		  "without close-on-exec");
	check_eq(take_descriptor(2147483647, O_RDONLY), -EBADF);
	check_eq(open_descriptors(), before);
}

/*
 * bad input: Launcher: fd:N that is used twice, or that mvmm itself has opened -> refused, because
 * one use would close what the other needs
 */
Test(file_argument, twice)
{
	int fd = memfd_create("file", 0), own = memfd_create("own", MFD_CLOEXEC);

	check_eq(take_descriptor(fd, O_RDONLY), fd);
	check_eq(take_descriptor(fd, O_RDONLY), -EBUSY);
	check_contains(err.text, "is given twice, or was not open when mvmm was started");
	check_eq(take_descriptor(own, O_RDONLY), -EBUSY);
}

/*
 * bad input: Launcher: fd:N that is not open for what the option does: reading, writing or both ->
 * refused
 */
Test(file_argument, wrong_access)
{
	int ends[2], fd = open("/dev/null", O_PATH);

	check_eq(pipe(ends), 0);
	check_eq(take_descriptor(ends[0], O_WRONLY), -EACCES);
	check_contains(err.text, ": is not open for writing");
	check_eq(take_descriptor(ends[0], O_RDWR), -EACCES);
	check_contains(err.text, ": is not open for reading and writing");
	check_eq(take_descriptor(ends[1], O_RDONLY), -EACCES);
	check_contains(err.text, ": is not open for reading");
	check_eq(take_descriptor(fd, O_RDONLY), -EACCES);
	check_contains(err.text, "is open with O_PATH");
	check_eq(fcntl(ends[0], F_GETFD), 0, "still the caller's");
	check_eq(take_descriptor(ends[0], O_RDONLY), ends[0]);
	check_eq(take_descriptor(ends[1], O_WRONLY), ends[1]);
}

/* Messages and the console use them too. */
Test(file_argument, duplicates_standard_descriptors)
{
	int fd = memfd_create("file", 0), copy;

	check_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	copy = take_descriptor(STDIN_FILENO, O_RDONLY);
	cr_assert(copy > STDERR_FILENO && copy != fd, "%d", copy);
	check_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	check_eq(fcntl(STDIN_FILENO, F_GETFD), 0);
	cr_assert(take_descriptor(STDIN_FILENO, O_RDONLY) > STDERR_FILENO);
}

Test(file_argument, what_it_names_can_be_looked_at)
{
	int fd = memfd_create("file", 0);
	struct stat a, b;

	check_eq(ftruncate(fd, 4321), 0);
	snprintf(text, sizeof(text), "fd:%d", fd);
	check_eq(file_argument_stat(text, &a), 0);
	check_eq(a.st_size, 4321);
	check_eq(fcntl(fd, F_GETFD), 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	check_eq(file_argument_stat(text, &b), 0);
	check_eq(a.st_ino, b.st_ino);
	check_eq(file_argument_stat("fd:999", &a), -EBADF);
	check_eq(file_argument_stat("fd:x", &a), -EINVAL);
	check_eq(file_argument_stat("/nonexistent", &a), -ENOENT);
}

Test(file_argument, lists_what_was_taken)
{
	int low = memfd_create("file", 0), high = fcntl(low, F_DUPFD, 1000);

	check_eq(file_argument_next(0), -1);
	check_eq(take_descriptor(high, O_RDWR), high, "%s", err.text);
	check_eq(take_descriptor(low, O_RDWR), low, "%s", err.text);
	check_eq(take_descriptor(low, O_RDWR), -EBUSY);
	check_eq(file_argument_next(0), low);
	check_eq(file_argument_next(low), low);
	check_eq(file_argument_next(low + 1), high);
	check_eq(file_argument_next(high + 1), -1);
}
