// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a directory beside, and exchanges. Start reading at snapshot_directory_begin and replace.
 *
 *   killed                          at the path   beside it
 *   until renameat2                 the old one   the new one, with a part of its files
 *   behind renameat2                the new one   the old one, or what is left of it
 */
#include "vmm/snapshot/snapshot_directory.h"

#include "vmm/base/parent_directory.h"
#include "vmm/snapshot/snapshot_path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* How often others may come in between. */
#define TRIES 10

static void close_owned(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = 0;
}

/* Opens what is at the path, and looks whether it is a snapshot. 0: it is; -ENOENT: nothing is
 * there; others as snapshot_remove_check. */
static int check_target(const struct snapshot_directory *s, char ret_other[NAME_MAX + 1])
{
	int ret = -EAGAIN;

	for (unsigned i = 0; i < TRIES && ret == -EAGAIN; i++) {
		int fd = openat(s->parent_fd, s->name, DIRECTORY);

		if (fd < 0)
			return -errno;
		ret = snapshot_remove_check(fd, ret_other);
		/* Another save has replaced it, and removes it. */
		if (ret < 0 && !parent_directory_has(s->parent_fd, s->name, fd))
			ret = -EAGAIN;
		close(fd);
	}
	return ret;
}

/* 0: nothing is at the path. 1: a snapshot. -errno with @err set. */
static int look_at_target(const struct snapshot_directory *s, struct error *err)
{
	char other[NAME_MAX + 1];
	int ret = check_target(s, other);

	switch (-ret) {
	case 0:
		return 1;
	case ENOENT:
		return 0;
	case ENOTDIR:
	case ELOOP:
		return error_set(err, EEXIST,
				 "%s: %s is there and is no snapshot; give another path, or remove "
				 "it",
				 s->what, s->name);
	case EINVAL:
		return error_set(err, EEXIST,
				 "%s: %s is there and has no state of a snapshot; give another "
				 "path, or remove it",
				 s->what, s->name);
	case ENOTEMPTY:
		return error_set(err, EEXIST,
				 "%s: %s is there and has a file %.100s, which no snapshot has; "
				 "give another path, or remove it",
				 s->what, s->name, other);
	default:
		return error_system(err, -ret, "%s: %s is there and cannot be read", s->what,
				    s->name);
	}
}

/* -EAGAIN: another save took the new directory for one that was left, and removes it. */
static int open_temporary(struct snapshot_directory *s)
{
	s->dir_fd = openat(s->parent_fd, s->temporary, DIRECTORY);
	if (s->dir_fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return parent_directory_has(s->parent_fd, s->temporary, s->dir_fd) ? 0 : -EAGAIN;
}

static int make_temporary(struct snapshot_directory *s)
{
	uint64_t number;
	int ret;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -errno;
	snprintf(s->temporary, sizeof(s->temporary), SNAPSHOT_PATH_TEMPORARY "%016" PRIx64, number);
	if (mkdirat(s->parent_fd, s->temporary, 0700) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	ret = open_temporary(s);
	if (ret < 0) {
		close_owned(&s->dir_fd);
		unlinkat(s->parent_fd, s->temporary, AT_REMOVEDIR);
	}
	return ret;
}

static int make_temporary_patiently(struct snapshot_directory *s, struct error *err)
{
	int ret = -EAGAIN;

	for (unsigned i = 0; i < TRIES && ret == -EAGAIN; i++)
		ret = make_temporary(s);
	if (ret == 0)
		return 0;
	s->temporary[0] = '\0';
	return error_set(err, -ret,
			 "%s: cannot make a directory beside %s: %s; the directory must be "
			 "writable, and its file system have room and locks",
			 s->what, s->name, strerror(-ret));
}

int snapshot_directory_begin(struct snapshot_directory *save, int root_fd, const char *path,
			     const char *what, struct error *err)
{
	struct snapshot_directory s = { .what = what };
	int ret = snapshot_path_open(root_fd, path, what, s.name, err);

	if (ret < 0)
		return ret;
	s.parent_fd = ret;
	ret = look_at_target(&s, err);
	if (ret >= 0) {
		snapshot_remove_leftovers(s.parent_fd);
		ret = make_temporary_patiently(&s, err);
	}
	if (ret < 0)
		snapshot_directory_fini(&s);
	else
		*save = s;
	return ret;
}

int snapshot_directory_file(struct snapshot_directory *save, const char *name, struct error *err)
{
	int fd;

	assert(save->n_files < SNAPSHOT_DIRECTORY_MAX_FILES);
	fd = openat(save->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_system(err, errno, "%s: cannot make the file %s of %s", save->what,
				    name, save->name);
	save->files[save->n_files++] = fd;
	return fd;
}

static int sync_files(const struct snapshot_directory *s, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < s->n_files && ret == 0; i++)
		ret = fsync(s->files[i]);
	if (ret == 0)
		ret = fsync(s->dir_fd);
	return ret < 0 ? error_system(err, errno, "%s: the files of %s cannot be synced", s->what,
				      s->name)
		       : 0;
}

static int rename_temporary(const struct snapshot_directory *s, unsigned flags)
{
	return renameat2(s->parent_fd, s->temporary, s->parent_fd, s->name, flags) < 0 ? -errno : 0;
}

/* Gives the new snapshot its name, which nothing has. */
static int take_name(const struct snapshot_directory *s)
{
	int ret = rename_temporary(s, RENAME_NOREPLACE);

	/* Where the file system does not know that, as NFS: what comes in between can only be
	 * replaced if it is an empty directory. */
	if (ret == -EINVAL)
		ret = rename_temporary(s, 0);
	return ret == -ENOTEMPTY ? -EEXIST : ret;
}

/* Puts the new snapshot at the path. 1: the old one has the temporary name now. */
static int replace(const struct snapshot_directory *s, struct error *err)
{
	int ret = -EAGAIN;

	for (unsigned i = 0; i < TRIES; i++) {
		int there = look_at_target(s, err);

		if (there < 0)
			return there;
		ret = there ? rename_temporary(s, RENAME_EXCHANGE) : take_name(s);
		if (ret == 0)
			return there;
		/* It came or went meanwhile. */
		if (ret != (there ? -ENOENT : -EEXIST))
			break;
	}
	if (ret == -EINVAL)
		return error_set(
			err, EINVAL,
			"%s: the file system cannot replace %s in one step; save to a path "
			"where nothing is",
			s->what, s->name);
	return error_system(err, -ret, "%s: %s cannot get its name", s->what, s->name);
}

int snapshot_directory_commit(struct snapshot_directory *save, struct error *err)
{
	struct snapshot_directory *s = save;
	int ret = sync_files(s, err), replaced;

	if (ret == 0)
		ret = replace(s, err);
	if (ret < 0) {
		snapshot_directory_fini(s);
		return ret;
	}
	replaced = ret;
	ret = 0;
	if (fsync(s->parent_fd) < 0)
		ret = error_system(err, errno,
				   "%s: %s is saved, but a power cut may undo that, because its "
				   "directory cannot be synced",
				   s->what, s->name);
	/* The old one stays for the next save to remove if somebody holds it. */
	if (replaced)
		snapshot_remove(s->parent_fd, s->temporary);
	s->temporary[0] = '\0';
	snapshot_directory_fini(s);
	return ret;
}

void snapshot_directory_fini(struct snapshot_directory *save)
{
	for (unsigned i = 0; i < save->n_files; i++)
		close(save->files[i]);
	save->n_files = 0;
	/* Its lock ends, or the removal would find it. */
	close_owned(&save->dir_fd);
	if (*save->temporary)
		snapshot_remove(save->parent_fd, save->temporary);
	save->temporary[0] = '\0';
	close_owned(&save->parent_fd);
}
