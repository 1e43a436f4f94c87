/* SPDX-License-Identifier: Apache-2.0 */
/* A file whose name nobody can foresee, for what gets its own name once it is complete. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Makes a file, for writing, in the directory @dir_fd (or AT_FDCWD) under @prefix and a random
 * number, which it puts into @ret_name of @size bytes. Never opens what is there already: another
 * user may have put a link or a FIFO there. The descriptor, or -errno.
 */
int temporary_file_open(int dir_fd, const char *prefix, mode_t mode, char *ret_name, size_t size);
