// SPDX-License-Identifier: Apache-2.0
/* Opens the files of a snapshot. Start reading at snapshot_files_open. */
#include "vmm/snapshot/snapshot_files.h"

#include "vmm/base/array.h"
#include "vmm/base/file_lock.h"
#include "vmm/snapshot/snapshot_remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often saves may replace the snapshot while it is opened. */
#define TRIES 10

/* Also: a FIFO would wait for its other end. */
static int open_regular(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EMEDIUMTYPE;
}

static int explain(int code, const char *name, const char *what, struct error *err)
{
	if (code == ENOENT)
		return error_set(err, code, "%s: has no file %s; name the directory of a snapshot",
				 what, name);
	if (code == EMEDIUMTYPE || code == ELOOP)
		return error_set(err, EINVAL,
				 "%s: its file %s is not a regular file; take another copy of the "
				 "snapshot",
				 what, name);
	return error_system(err, code, "%s: its file %s cannot be opened", what, name);
}

static int open_file(const struct snapshot_files *files, const char *name, const char *what,
		     struct error *err)
{
	int fd = open_regular(files->dir_fd, name);

	return fd < 0 ? explain(-fd, name, what, err) : fd;
}

int snapshot_files_lock(int fd, bool passed, const char *what, struct error *err)
{
	struct file_lock_holder holder = { 0 };
	char who[32] = "another process";
	int ret = passed ? file_lock_take_passed(fd, false, &holder)
			 : file_lock_take(fd, false, &holder);

	if (ret >= 0 && passed)
		file_lock_remember(fd, false);
	if (ret >= 0)
		return ret;
	if (ret != -EBUSY)
		return error_set(err, -ret,
				 "%s: its memory cannot be locked: %s; copy the snapshot to a file "
				 "system that has locks",
				 what, strerror(-ret));
	if (holder.pid)
		snprintf(who, sizeof(who), "process %d", (int)holder.pid);
	return error_set(err, EBUSY,
			 "%s: %s writes to its memory; end that process, or take a copy", what,
			 who);
}

static int open_state_and_memory(struct snapshot_files *f, const char *what, struct error *err)
{
	int ret = open_file(f, SNAPSHOT_STATE, what, err);

	if (ret < 0)
		return ret;
	f->state_fd = ret;
	ret = open_file(f, SNAPSHOT_MEMORY, what, err);
	if (ret < 0)
		return ret;
	f->memory_fd = ret;
	ret = snapshot_files_lock(f->memory_fd, false, what, err);
	if (ret < 0)
		return ret;
	f->lock_fd = ret;
	return 0;
}

/* Whether @path names another directory than that which was opened. */
static bool was_replaced(const struct snapshot_files *f, const char *path)
{
	struct stat now, opened;

	return stat(path, &now) == 0 && fstat(f->dir_fd, &opened) == 0 &&
	       (now.st_dev != opened.st_dev || now.st_ino != opened.st_ino);
}

int snapshot_files_open(struct snapshot_files *files, const char *path, const char *what,
			struct error *err)
{
	int ret = -ENOENT;
	bool again = true;

	for (unsigned i = 0; i < TRIES && again; i++) {
		struct snapshot_files f = { 0 };

		f.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (f.dir_fd < 0)
			return error_set(err, errno,
					 "%s: cannot be opened: %s; name the directory of a "
					 "snapshot",
					 what, strerror(errno));
		ret = open_state_and_memory(&f, what, err);
		if (ret == 0) {
			*files = f;
			return 0;
		}
		/* A save may have removed the old one under our hands. */
		again = ret == -ENOENT && was_replaced(&f, path);
		snapshot_files_fini(&f);
	}
	return ret;
}

static int check_passed(int fd, const char *name, const char *what, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	return error_set(err, EINVAL,
			 "%s: %s is not a regular file or memfd; pass a descriptor that vm-save "
			 "has saved to",
			 what, name);
}

int snapshot_files_take(struct snapshot_files *files, int state_fd, int memory_fd, const char *what,
			struct error *err)
{
	int ret = check_passed(state_fd, SNAPSHOT_STATE, what, err);

	*files = (struct snapshot_files){ .state_fd = state_fd, .memory_fd = memory_fd };
	if (ret == 0)
		ret = check_passed(memory_fd, SNAPSHOT_MEMORY, what, err);
	return ret < 0 ? ret : snapshot_files_lock(memory_fd, true, what, err);
}

int snapshot_files_take_forked(struct snapshot_files *files, int state_fd, int memory_fd,
			       int own_fd, const char *what, struct error *err)
{
	int ret = snapshot_files_take(files, state_fd, memory_fd, what, err);

	files->own_fd = own_fd;
	files->forked = true;
	if (ret == 0 && own_fd)
		ret = check_passed(own_fd, "the third descriptor", what, err);
	return ret;
}

void snapshot_files_fini(struct snapshot_files *files)
{
	const int fds[] = { files->lock_fd, files->own_fd, files->memory_fd, files->state_fd,
			    files->dir_fd };

	file_lock_forget(files->memory_fd);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] > 0)
			close(fds[i]);
	*files = (struct snapshot_files){ 0 };
}
