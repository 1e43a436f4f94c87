/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves a snapshot, a directory of files, so that its path names the old one or the new one, and
 * each is whole: also if the process is killed or the power fails, at any step. The files are made
 * in a directory beside, synced, and get their name as the last thing. What a killed save has left
 * is removed by the next one there. All functions wait for storage, so the event loop cannot call
 * them.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/snapshot/snapshot_remove.h"

#include <limits.h>

#define SNAPSHOT_DIRECTORY_MAX_FILES 2 /* state and memory */
#define SNAPSHOT_DIRECTORY_TEMPORARY 32

struct snapshot_directory {
	const char *what; /* borrowed: begins messages */
	int parent_fd;	  /* owned, as are the others; none is 0 */
	int dir_fd;	  /* the temporary one, with a flock: it is being saved */
	int files[SNAPSHOT_DIRECTORY_MAX_FILES];
	unsigned n_files;
	char name[NAME_MAX + 1];		      /* that the snapshot gets */
	char temporary[SNAPSHOT_DIRECTORY_TEMPORARY]; /* "": there is no temporary directory */
};

/*
 * Begins a save to @path below @root_fd (snapshot_path.h says which paths there are). @what is the
 * command for messages and must outlive @save. -errno with @err set: among others -EEXIST, if
 * something else than a snapshot is at @path; then there is nothing to take down.
 */
int snapshot_directory_begin(struct snapshot_directory *save, int root_fd, const char *path,
			     const char *what, struct error *err);

/*
 * Makes the file @name, one of snapshot_remove.h, empty, for reading and writing. Returns a
 * descriptor, which stays @save's, or -errno with @err set.
 */
int snapshot_directory_file(struct snapshot_directory *save, const char *name, struct error *err);

/*
 * Syncs all, and puts the new snapshot in the place of the old one, which it removes. -errno with
 * @err set: the old one is at the path, unless only the last sync failed, which the message says.
 * In any case @save is taken down.
 */
int snapshot_directory_commit(struct snapshot_directory *save, struct error *err);

/* Closes the files, and removes what was not committed. Takes a zeroed one. */
void snapshot_directory_fini(struct snapshot_directory *save);
