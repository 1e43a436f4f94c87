/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that gets its name once it is complete. Until then it has none, so that it goes with its
 * process however that ends. Where the file system or the host cannot make such a file, it has a
 * name that nobody can foresee, and a process that is killed leaves it.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

struct temporary_file {
	int fd;	     /* owned, for writing; 0: there is none */
	int dir_fd;  /* borrowed: its directory */
	int proc_fd; /* owned: /proc/self/fd, by which a file without a name gets one; else 0 */
	char name[NAME_MAX + 1]; /* a random one, which it has if @proc_fd is 0 */
};

/*
 * Makes a file in the directory @dir_fd; its random name begins with @prefix. Never opens what is
 * there already: another user may have put a link or a FIFO there. -errno.
 */
int temporary_file_open(struct temporary_file *file, int dir_fd, const char *prefix, mode_t mode);

/*
 * Gives the file the name @name in its directory, also where another file has it; the descriptor
 * stays open. Makes only the calls that the sandbox allows for --result. -errno: the file goes.
 */
int temporary_file_name(struct temporary_file *file, const char *name);

/* Closes the file, which goes if it was not named. Takes a zeroed one. */
void temporary_file_fini(struct temporary_file *file);
