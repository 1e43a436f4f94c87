/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: which files may be opened or removed from now on, by path. A set of rules is made while
 * the paths can still be reached, and enforced once nothing else has to be opened. What is open
 * stays usable.
 */
#ifndef MVMM_VMM_SANDBOX_LANDLOCK_H
#define MVMM_VMM_SANDBOX_LANDLOCK_H

enum sandbox_right {
	SANDBOX_REMOVE_FILES, /* in the directory and below */
	SANDBOX_RENAME_FILES, /* within the directory */
	SANDBOX_OPEN_FILES,   /* open, make, read, write and grow them there */
};

/*
 * Makes rules that allow nothing: no file by path, and where the kernel is new enough neither TCP
 * nor signals to other processes. Their descriptor, which is the caller's, or -ENOSYS or
 * -EOPNOTSUPP where there is no Landlock, or another -errno.
 */
int sandbox_landlock_new(void);

/* Allows @right for all that is below the directory @dir_fd. -errno. */
int sandbox_landlock_allow(int rules_fd, int dir_fd, enum sandbox_right right);

/* From now on, for the calling thread and those that it makes. no_new_privs must be set. -errno. */
int sandbox_landlock_enforce(int rules_fd);

#endif
