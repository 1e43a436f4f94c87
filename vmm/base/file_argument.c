// SPDX-License-Identifier: Apache-2.0
/* Takes over descriptors that mvmm was given on purpose. Start reading at file_argument_take. */
#include "vmm/base/file_argument.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "fd:"
/* More than all options together can name. */
#define MAX_TAKEN 128

/* Descriptors belong to the process, so this list does, too. */
static int taken[MAX_TAKEN];
static unsigned n_taken;

bool file_argument_is_fd(const char *text)
{
	return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

/* The number in fd:N, or -EINVAL. */
static int parse(const char *text)
{
	uint64_t number;

	if (!file_argument_is_fd(text) || keyval_number(text + strlen(PREFIX), &number) < 0 ||
	    number > INT_MAX)
		return -EINVAL;
	return (int)number;
}

int file_argument_stat(const char *text, struct stat *ret_st)
{
	int fd;

	if (!file_argument_is_fd(text))
		return stat(text, ret_st) < 0 ? -errno : 0;
	fd = parse(text);
	if (fd < 0)
		return fd;
	return fstat(fd, ret_st) < 0 ? -errno : 0;
}

static int check_access(const char *option, const char *text, int fd, int access, struct error *err)
{
	static const char *const names[] = {
		[O_RDONLY] = "reading",
		[O_WRONLY] = "writing",
		[O_RDWR] = "reading and writing",
	};
	int flags = fcntl(fd, F_GETFL), has = flags & O_ACCMODE;

	if (flags < 0)
		return error_system(err, errno, "%s %s", option, text);
	if (flags & O_PATH)
		return error_set(err, EACCES, "%s %s: is open with O_PATH; open it for %s", option,
				 text, names[access]);
	if (has != access && has != O_RDWR)
		return error_set(err, EACCES, "%s %s: is not open for %s", option, text,
				 names[access]);
	return 0;
}

static bool is_listed(int fd)
{
	for (unsigned i = 0; i < n_taken; i++)
		if (taken[i] == fd)
			return true;
	return false;
}

int file_argument_next(int from)
{
	int next = -1;

	for (unsigned i = 0; i < n_taken; i++)
		if (taken[i] >= from && (next < 0 || taken[i] < next))
			next = taken[i];
	return next;
}

static int duplicate(const char *option, const char *text, int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return copy < 0 ? error_system(err, errno, "%s %s", option, text) : copy;
}

static int take_descriptor(const char *option, const char *text, int access, struct error *err)
{
	int fd = parse(text), flags, ret;

	if (fd < 0)
		return error_set(err, EINVAL,
				 "%s %s: must be fd: and the number of an open descriptor", option,
				 text);
	flags = fcntl(fd, F_GETFD);
	if (flags < 0)
		return error_set(err, EBADF,
				 "%s %s: is not open; start mvmm with that descriptor open and "
				 "without close-on-exec",
				 option, text);
	ret = check_access(option, text, fd, access, err);
	if (ret < 0)
		return ret;
	if (fd <= STDERR_FILENO)
		return duplicate(option, text, fd, err);
	if (flags & FD_CLOEXEC)
		return error_set(err, EBUSY,
				 "%s %s: is given twice, or was not open when mvmm was started; "
				 "give each use a descriptor of its own",
				 option, text);
	if (!is_listed(fd) && n_taken == MAX_TAKEN)
		return error_set(
			err, EMFILE,
			"%s %s: %d descriptors are given already, the most there can be; give a path",
			option, text, MAX_TAKEN);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_system(err, errno, "%s %s", option, text);
	if (!is_listed(fd))
		taken[n_taken++] = fd;
	return fd;
}

int file_argument_take(const char *option, const char *text, int access, struct error *err)
{
	return error_blame_option(err, take_descriptor(option, text, access, err));
}

int file_argument_take_number(const char *option, int number, int access, struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "fd:%d", number);
	return file_argument_take(option, text, access, err);
}
