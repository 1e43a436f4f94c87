/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes snapshots, and nothing else: a directory with a file that no mvmm has put there stays.
 */
#pragma once

#include <limits.h>

/* The files of a snapshot. */
#define SNAPSHOT_STATE "state"
#define SNAPSHOT_MEMORY "memory"

/*
 * Whether the directory @dir_fd, open for reading, is a snapshot: its file state begins as one
 * does, and it has no other files than a snapshot's. 0, or -EINVAL: no file state, or another one;
 * -ENOTEMPTY: another file, whose name is in @ret_name; or -errno of reading it.
 */
int snapshot_remove_check(int dir_fd, char ret_name[NAME_MAX + 1]);

/*
 * Removes the directory @name of @parent_fd, and in it the files of a snapshot, complete or not.
 * -EBUSY: somebody has a flock(2) on it, so it is being saved or removed. -ENOTEMPTY: it has other
 * files, and then it is unchanged. Other -errno: a part may be removed.
 */
int snapshot_remove(int parent_fd, const char *name);

/*
 * The same for @dir_fd, which had that name when it was opened. -ENOENT: it was renamed since, as a
 * save does when it is complete; then it is unchanged.
 */
int snapshot_remove_opened(int parent_fd, const char *name, int dir_fd);

/*
 * Removes all directories of @parent_fd that a save has left there when it was killed: by their
 * name, which SNAPSHOT_PATH_TEMPORARY begins, and because nobody has a lock on them. What cannot be
 * removed stays.
 */
void snapshot_remove_leftovers(int parent_fd);
