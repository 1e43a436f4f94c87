/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: which files may be opened or removed from now on, by path. Rules are made while the
 * paths can still be reached, and enforced when nothing else has to be opened. Open files stay
 * usable.
 */
#pragma once

enum sandbox_right {
	SANDBOX_REMOVE_FILES, /* in the directory and below */
	SANDBOX_NAME_FILES,   /* make and rename them within the directory */
	SANDBOX_OPEN_FILES,   /* open, make, read, write, grow and remove them there */
	SANDBOX_SAVE_FILES, /* likewise, in directories that are made, renamed and removed there */
};

/*
 * Makes rules that allow nothing: no file by path, and on kernels that can refuse them neither TCP
 * nor signals to other processes. Returns their descriptor, which the caller closes, or -ENOSYS or
 * -EOPNOTSUPP if there is no Landlock, or another -errno.
 */
int sandbox_landlock_new(void);

/* Allows @right in the directory @dir_fd and below. -errno. */
int sandbox_landlock_allow(int rules_fd, int dir_fd, enum sandbox_right right);

/* For the calling thread and those that it creates. no_new_privs must be set. -errno. */
int sandbox_landlock_enforce(int rules_fd);
