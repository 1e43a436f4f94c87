/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a file is in, or is to be made in. */
#pragma once

#include <stdbool.h>

/*
 * Opens the directory of @path, which need not exist itself; @access is O_RDONLY or O_PATH. Returns
 * a descriptor with close-on-exec, or -errno of open(2).
 */
int parent_directory_open(const char *path, int access);

/* The name of @path in that directory, as a part of @path; "" if @path ends with a slash. */
const char *parent_directory_name(const char *path);

/*
 * Whether @name in the directory @dir_fd is, without following a link, what @fd has open: others
 * may have renamed it since.
 */
bool parent_directory_has(int dir_fd, const char *name, int fd);
