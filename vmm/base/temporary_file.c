// SPDX-License-Identifier: Apache-2.0
/* Makes files that get their names at the end. Start reading at temporary_file_open. */
#include "vmm/base/temporary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int choose_name(struct temporary_file *file, const char *prefix)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -errno;
	if ((size_t)snprintf(file->name, sizeof(file->name), "%s.%016" PRIx64, prefix, number) >=
	    sizeof(file->name))
		return -ENAMETOOLONG;
	return 0;
}

/*
 * The directory of /proc is opened now, because the root directory may change before the file gets
 * its name. linkat(2) could do without it by AT_EMPTY_PATH, but only for a process that has not
 * changed its credentials, as the sandbox does.
 */
static bool open_without_name(struct temporary_file *file, mode_t mode)
{
	file->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->proc_fd >= 0)
		file->fd = openat(file->dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
	if (file->proc_fd >= 0 && file->fd >= 0)
		return true;
	if (file->proc_fd >= 0)
		close(file->proc_fd);
	file->proc_fd = 0;
	return false;
}

int temporary_file_open(struct temporary_file *file, int dir_fd, const char *prefix, mode_t mode)
{
	struct temporary_file f = { .dir_fd = dir_fd };
	int ret = choose_name(&f, prefix);

	if (ret < 0)
		return ret;
	if (!open_without_name(&f, mode))
		f.fd = openat(dir_fd, f.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (f.fd < 0)
		return -errno;
	*file = f;
	return 0;
}

static int link_as(const struct temporary_file *file, const char *name)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", file->fd);
	return linkat(file->proc_fd, number, file->dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno
											: 0;
}

static void close_proc(struct temporary_file *file)
{
	if (file->proc_fd > 0)
		close(file->proc_fd);
	file->proc_fd = 0;
}

int temporary_file_name(struct temporary_file *file, const char *name)
{
	int ret = file->proc_fd ? link_as(file, name) : -EEXIST;

	/* linkat(2) replaces nothing, and renameat(2) takes only what has a name. */
	if (ret == -EEXIST) {
		ret = file->proc_fd ? link_as(file, file->name) : 0;
		if (ret == 0 && renameat(file->dir_fd, file->name, file->dir_fd, name) < 0) {
			ret = -errno;
			unlinkat(file->dir_fd, file->name, 0);
		}
	}
	close_proc(file);
	file->name[0] = '\0';
	return ret;
}

void temporary_file_fini(struct temporary_file *file)
{
	if (file->fd > 0)
		close(file->fd);
	if (!file->proc_fd && file->name[0])
		unlinkat(file->dir_fd, file->name, 0);
	close_proc(file);
	*file = (struct temporary_file){ 0 };
}
