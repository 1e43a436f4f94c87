/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a snapshot that is restored. Its directory may be hostile: links are not followed,
 * and only regular files are taken. The memory file is locked before anybody maps it, because it
 * must not change while it is the base of a VM's memory.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>

struct snapshot_files {
	int dir_fd; /* the structure owns all five; 0: none, as for a snapshot of descriptors */
	int state_fd;
	int memory_fd;
	int lock_fd; /* of the memory file: hold it as long as that is mapped */
	/* Of a fork: pages that are not those of the memory file; or 0. */
	int own_fd;
	bool forked;
};

/*
 * Opens the snapshot at @path, which the user gave, so any path will do. @what begins messages, and
 * is the option and the path: "--restore x". If a save replaces it meanwhile, the files are those
 * of the old one or of the new one. -errno with @err set; among others -EBUSY: a process that
 * writes to the memory file has locked it.
 */
int snapshot_files_open(struct snapshot_files *files, const char *path, const char *what,
			struct error *err);

/*
 * The same for descriptors that were passed to us, each open for reading, which the structure owns
 * from then on, after an error too.
 */
int snapshot_files_take(struct snapshot_files *files, int state_fd, int memory_fd, const char *what,
			struct error *err);

/* The same for those of a fork; @own_fd is 0 if there is none. */
int snapshot_files_take_forked(struct snapshot_files *files, int state_fd, int memory_fd,
			       int own_fd, const char *what, struct error *err);

/*
 * Locks the memory file @fd for reading. If it was @passed to us, the lock is the process's, and
 * ends when any descriptor of this file is closed (file_lock.h); then 0 is returned. Else returns a
 * descriptor that holds the lock, the caller's. -errno with @err set.
 */
int snapshot_files_lock(int fd, bool passed, const char *what, struct error *err);

/* Closes all. Takes a zeroed one. */
void snapshot_files_fini(struct snapshot_files *files);
