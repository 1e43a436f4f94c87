// SPDX-License-Identifier: Apache-2.0
/* Keeps descriptors with names. */
#include "vmm/control/named_files.h"

#include "vmm/base/file_lock.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct named_file {
	struct named_file *next;
	int fd;
	char *name; /* owned; NULL: no getfd yet */
};

/* Where the pointer to the file @name is, or to the first without a name if that is NULL. */
static struct named_file **find(struct named_files *files, const char *name)
{
	struct named_file **at = &files->first;

	while (*at && (name ? !(*at)->name || strcmp((*at)->name, name) != 0 : !!(*at)->name))
		at = &(*at)->next;
	return at;
}

/* Removes *@at from the list; returns its descriptor. */
static int unlink_file(struct named_files *files, struct named_file **at)
{
	struct named_file *file = *at;
	int fd = file->fd;

	*at = file->next;
	free(file->name);
	free(file);
	--*files->count;
	return fd;
}

void named_files_receive(struct named_files *files, int fd)
{
	struct named_file **at = &files->first;
	struct named_file *file = *files->count < NAMED_FILES_MAX ? calloc(1, sizeof(*file)) : NULL;

	if (!file) {
		file_lock_close(fd);
		return;
	}
	while (*at)
		at = &(*at)->next;
	file->fd = fd;
	*at = file;
	++*files->count;
}

int named_files_name(struct named_files *files, const char *name, struct error *err)
{
	struct named_file *file = *find(files, NULL), **before;
	char *copy;

	if (!file)
		return error_set(err, EINVAL, "No file descriptor supplied via SCM_RIGHTS");
	if (isdigit((unsigned char)*name)) {
		file_lock_close(unlink_file(files, find(files, NULL)));
		return error_set(err, EINVAL,
				 "Parameter 'fdname' expects a name not starting with a digit");
	}
	copy = strdup(name);
	if (!copy)
		return error_set(err, ENOMEM, "out of memory");
	before = find(files, name);
	if (*before)
		file_lock_close(unlink_file(files, before));
	file->name = copy;
	return 0;
}

int named_files_take(struct named_files *files, const char *name, struct error *err)
{
	struct named_file **at = find(files, name);

	if (!*at)
		return error_set(err, ENOENT, "File descriptor named '%s' not found", name);
	return unlink_file(files, at);
}

int named_files_close(struct named_files *files, const char *name, struct error *err)
{
	int fd = named_files_take(files, name, err);

	if (fd < 0)
		return fd;
	file_lock_close(fd);
	return 0;
}

void named_files_fini(struct named_files *files)
{
	while (files->first)
		file_lock_close(unlink_file(files, &files->first));
}
