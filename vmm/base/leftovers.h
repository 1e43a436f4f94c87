/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mvmm has made and would leave behind if it ended now: the disks and sockets of a start. If
 * the start is ended while its thread is held up, another thread removes all of it. From any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct leftover;

/*
 * Adds the file @name, a copy of which is kept, in the directory @dir_fd, whose device and inode
 * @st has; nothing else of that name is ever removed. @dir_fd must stay open until the file is
 * forgotten. NULL if there is no memory: then it stays behind. After leftovers_remove the file is
 * removed at once.
 */
struct leftover *leftovers_add(int dir_fd, const char *name, const struct stat *st);

/* The same for a regular file that was there and empty: @fd, open for writing, is emptied again. */
struct leftover *leftovers_add_grown(int fd);

/* The file stays, or the caller has removed it. NULL is allowed. */
void leftovers_forget(struct leftover *leftover);

/* Removes all of it, for good: the process is about to end. */
void leftovers_remove(void);
