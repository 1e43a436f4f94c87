// SPDX-License-Identifier: Apache-2.0
/* Looks into directories, and removes those that are a snapshot. Start reading at snapshot_remove.
 */
#include "vmm/snapshot/snapshot_remove.h"

#include "vmm/base/parent_directory.h"
#include "vmm/base/state_format.h"
#include "vmm/snapshot/snapshot_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/*
 * The names in a directory. Not by opendir(3): its buffer is as large as the file system likes, and
 * the sandbox lets nobody unmap memory here.
 */
struct listing {
	int fd; /* owned */
	ssize_t len, at;
	char entries[4096] __attribute__((aligned(__alignof__(struct dirent64))));
};

/* Begins to list @dir_fd, which stays the caller's. -errno. */
static int list(struct listing *listing, int dir_fd)
{
	listing->len = listing->at = 0;
	listing->fd = openat(dir_fd, ".", DIRECTORY);
	return listing->fd < 0 ? -errno : 0;
}

static void end_list(struct listing *listing)
{
	close(listing->fd);
}

/* The next entry, or NULL: with errno 0 behind the last. */
static const char *next_entry(struct listing *listing)
{
	const struct dirent64 *entry;

	if (listing->at == listing->len) {
		errno = 0;
		listing->at = 0;
		listing->len = getdents64(listing->fd, listing->entries, sizeof(listing->entries));
		if (listing->len <= 0) {
			listing->len = 0;
			return NULL;
		}
	}
	entry = (const void *)(listing->entries + listing->at);
	listing->at += entry->d_reclen;
	return entry->d_name;
}

/* Likewise, but for . and .. */
static const char *next_name(struct listing *listing)
{
	const char *name;

	do {
		name = next_entry(listing);
	} while (name && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0));
	return name;
}

static bool is_ours(int dir_fd, const char *name)
{
	struct stat st;

	if (strcmp(name, SNAPSHOT_STATE) != 0 && strcmp(name, SNAPSHOT_MEMORY) != 0)
		return false;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* 0, or -ENOTEMPTY with the name of a file that is not ours. */
static int check_files(int dir_fd, char ret_name[NAME_MAX + 1])
{
	struct listing listing;
	const char *name;
	int ret = list(&listing, dir_fd);

	if (ret < 0)
		return ret;
	while ((name = next_name(&listing)) != NULL && is_ours(dir_fd, name))
		;
	ret = name ? -ENOTEMPTY : -errno;
	if (name)
		strcpy(ret_name, name);
	end_list(&listing);
	return ret;
}

static bool is_state(int dir_fd)
{
	const struct state_header mine = { .magic = STATE_MAGIC };
	char magic[sizeof(mine.magic)];
	int fd = openat(dir_fd, SNAPSHOT_STATE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool is = fd >= 0 && pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
		  memcmp(magic, mine.magic, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

int snapshot_remove_check(int dir_fd, char ret_name[NAME_MAX + 1])
{
	int ret = check_files(dir_fd, ret_name);

	return ret < 0 ? ret : is_state(dir_fd) ? 0 : -EINVAL;
}

/* Without the state first, so that what is left by a removal that is killed is no snapshot. */
static int remove_files(int dir_fd)
{
	struct listing listing;
	const char *name;
	int ret;

	if (unlinkat(dir_fd, SNAPSHOT_STATE, 0) < 0 && errno != ENOENT)
		return -errno;
	ret = list(&listing, dir_fd);
	if (ret < 0)
		return ret;
	while (ret == 0 && (name = next_name(&listing)) != NULL)
		ret = unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
	end_list(&listing);
	return ret;
}

int snapshot_remove_opened(int parent_fd, const char *name, int dir_fd)
{
	char other[NAME_MAX + 1];
	int ret;

	if (flock(dir_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* Whoever saves there has the lock until the directory has its last name. */
	if (!parent_directory_has(parent_fd, name, dir_fd))
		return -ENOENT;
	ret = check_files(dir_fd, other);
	if (ret == 0)
		ret = remove_files(dir_fd);
	if (ret == 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
		ret = -errno;
	return ret;
}

int snapshot_remove(int parent_fd, const char *name)
{
	int dir_fd = openat(parent_fd, name, DIRECTORY), ret;

	if (dir_fd < 0)
		return -errno;
	ret = snapshot_remove_opened(parent_fd, name, dir_fd);
	close(dir_fd);
	return ret;
}

/* As make_temporary of snapshot_directory.c makes them. */
static bool is_temporary(const char *name)
{
	const size_t len = strlen(SNAPSHOT_PATH_TEMPORARY);

	return strncmp(name, SNAPSHOT_PATH_TEMPORARY, len) == 0 && strlen(name + len) == 16 &&
	       strspn(name + len, "0123456789abcdef") == 16;
}

void snapshot_remove_leftovers(int parent_fd)
{
	struct listing listing;
	const char *name;

	if (list(&listing, parent_fd) < 0)
		return;
	while ((name = next_name(&listing)) != NULL)
		if (is_temporary(name))
			snapshot_remove(parent_fd, name);
	end_list(&listing);
}
