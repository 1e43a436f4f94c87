/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that mvmm creates, or grows from empty, before the guest runs. A dry run and a start that
 * fails undo that; so does one that is ended meanwhile (leftovers.h).
 */
#pragma once

#include <stdbool.h>

struct leftover;

struct made_file {
	int dir_fd;		   /* owned: its directory, if mvmm created it; else 0 */
	const char *name;	   /* borrowed: a part of its path */
	bool grown;		   /* it existed and was empty, and mvmm grew it */
	struct leftover *leftover; /* owned, or NULL */
};

/*
 * Opens @path with @flags and, if they have O_CREAT, mode 0666. Fills @made if that created the
 * file; @path must outlive @made. Returns the descriptor, or -errno.
 */
int made_file_open(struct made_file *made, const char *path, int flags);

/* Notes that @fd was empty and was grown. */
void made_file_grown(struct made_file *made, int fd);

/* The file stays. Takes a zeroed one. */
void made_file_keep(struct made_file *made);

/* Removes the file of @fd, if it still has its name, or empties it again. Takes a zeroed one. */
void made_file_take_back(struct made_file *made, int fd);
