// SPDX-License-Identifier: Apache-2.0
/* Makes files that can be taken back. Start reading at made_file_open. */
#include "vmm/base/made_file.h"

#include "vmm/base/leftovers.h"
#include "vmm/base/parent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without a descriptor of its directory the file cannot be removed again, and stays. */
static void remember(struct made_file *made, const char *path, int fd)
{
	int dir_fd = parent_directory_open(path, O_PATH);
	struct stat st;

	if (dir_fd < 0)
		return;
	*made = (struct made_file){ .dir_fd = dir_fd, .name = parent_directory_name(path) };
	if (fstat(fd, &st) == 0)
		made->leftover = leftovers_add(dir_fd, made->name, &st);
}

int made_file_open(struct made_file *made, const char *path, int flags)
{
	int fd = open(path, flags & ~O_CREAT);

	if (fd >= 0 || errno != ENOENT || !(flags & O_CREAT))
		return fd < 0 ? -errno : fd;
	fd = open(path, flags | O_EXCL, 0666);
	if (fd >= 0)
		remember(made, path, fd);
	else if (errno == EEXIST) /* somebody was quicker, or it is a link to nothing */
		fd = open(path, flags, 0666);
	return fd < 0 ? -errno : fd;
}

void made_file_grown(struct made_file *made, int fd)
{
	made->grown = true;
	if (!made->leftover)
		made->leftover = leftovers_add_grown(fd);
}

void made_file_keep(struct made_file *made)
{
	leftovers_forget(made->leftover);
	if (made->dir_fd > 0)
		close(made->dir_fd);
	*made = (struct made_file){ 0 };
}

void made_file_take_back(struct made_file *made, int fd)
{
	int ret = 0;

	if (made->dir_fd > 0 && parent_directory_has(made->dir_fd, made->name, fd))
		ret = unlinkat(made->dir_fd, made->name, 0);
	else if (made->grown)
		ret = ftruncate(fd, 0);
	(void)ret; /* The file stays then: it is no worse than before, and the start has failed. */
	made_file_keep(made);
}
