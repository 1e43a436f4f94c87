// SPDX-License-Identifier: Apache-2.0
/* A list under a lock. Start reading at leftovers_remove. */
#include "vmm/base/leftovers.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct leftover {
	struct leftover *next;
	int dir_fd;   /* borrowed; -1: the file is emptied */
	int grown_fd; /* borrowed */
	dev_t device;
	ino_t inode;
	char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct leftover *first;
static bool removed;

static void undo(const struct leftover *l)
{
	struct stat st;
	int ret = 0;

	if (l->dir_fd < 0)
		ret = ftruncate(l->grown_fd, 0);
	else if (fstatat(l->dir_fd, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 st.st_dev == l->device && st.st_ino == l->inode)
		ret = unlinkat(l->dir_fd, l->name, 0);
	(void)ret; /* It stays then, and the process ends all the same. */
}

static struct leftover *add(const struct leftover *values, const char *name)
{
	struct leftover *l = malloc(sizeof(*l) + strlen(name) + 1);

	if (!l)
		return NULL;
	*l = *values;
	strcpy(l->name, name);
	pthread_mutex_lock(&lock);
	l->next = first;
	first = l;
	if (removed)
		undo(l);
	pthread_mutex_unlock(&lock);
	return l;
}

struct leftover *leftovers_add(int dir_fd, const char *name, const struct stat *st)
{
	return add(
		&(struct leftover){ .dir_fd = dir_fd, .device = st->st_dev, .inode = st->st_ino },
		name);
}

struct leftover *leftovers_add_grown(int fd)
{
	return add(&(struct leftover){ .dir_fd = -1, .grown_fd = fd }, "");
}

void leftovers_forget(struct leftover *leftover)
{
	struct leftover **link = &first;

	if (!leftover)
		return;
	pthread_mutex_lock(&lock);
	while (*link != leftover)
		link = &(*link)->next;
	*link = leftover->next;
	pthread_mutex_unlock(&lock);
	free(leftover);
}

void leftovers_remove(void)
{
	pthread_mutex_lock(&lock);
	removed = true;
	for (const struct leftover *l = first; l; l = l->next)
		undo(l);
	pthread_mutex_unlock(&lock);
}
