/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a client may save: a path below one directory, that of --snapshots. The client may be
 * hostile, and so may be links that it has others put there.
 */
#pragma once

#include "vmm/base/error.h"

#include <limits.h>
#include <stdbool.h>

/* The names of directories that are not complete, or no longer needed, begin with it. */
#define SNAPSHOT_PATH_TEMPORARY ".mvmm-save-"

/*
 * Checks the text of @path as snapshot_path_open() does, and opens nothing. 0, or -EINVAL with @err
 * set.
 */
int snapshot_path_check(const char *path, const char *what, struct error *err);

/*
 * Opens the directory below @root_fd in which the last part of @path is, or is to be made, and puts
 * that part into @ret_name. Follows no symbolic link and leaves the root by no way. @what begins
 * messages. Returns a descriptor that can be read and synced; the caller closes it. -EINVAL with
 * @err set: @path is empty, absolute, longer than PATH_MAX or a part than NAME_MAX, has a part that
 * is empty, "." or "..", a control character, or begins a part with SNAPSHOT_PATH_TEMPORARY.
 * -ENOENT, -ELOOP and others likewise: its directory cannot be opened.
 */
int snapshot_path_open(int root_fd, const char *path, const char *what, char ret_name[NAME_MAX + 1],
		       struct error *err);
