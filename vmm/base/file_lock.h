/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of whole files between processes, as many readers or one writer. A lock belongs to the open
 * file description (fcntl(2), "Open file description locks"), so it ends with that and no other
 * close takes it away. The kernel does not tell whose such a lock is; therefore its holder has a
 * flock(2) as well, which excludes nobody and shows its pid in /proc/locks.
 *
 * A descriptor that was passed to us is another matter: its file cannot always be opened again, and
 * whoever passed it may have passed it to others, too, with whom such a lock would be shared. It
 * gets the older kind of lock (fcntl(2), "Traditional record locks"), which belongs to the process,
 * excludes and is excluded by those of the other kind, and tells its pid by itself.
 */
#ifndef MVMM_VMM_FILE_LOCK_H
#define MVMM_VMM_FILE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

struct file_lock_holder {
	pid_t pid; /* 0 where it cannot be seen: no program of ours, or in another container */
	bool writes;
};

/*
 * Locks the file that @fd was opened for: for a writer, which takes a @fd that can be written to,
 * or for a reader. Does not wait. Returns a descriptor that is the lock, and ends it when closed: a
 * second open file, so that io_uring, which can hold those it was given for some tenths of a second
 * after their process has died, does not hold the lock. -EBUSY: another open file has a lock that
 * excludes this one, and @ret_holder is who. Other -errno, such as -ENOLCK: the file system has no
 * locks. Needs /proc.
 */
int file_lock_take(int fd, bool writes, struct file_lock_holder *ret_holder);

/*
 * The same for @fd that was passed to us, without a descriptor of its own: 0, or -errno as above.
 * It ends with the process, or when that closes any descriptor of this file; so a file that has
 * such a lock must not be opened again by its path.
 */
int file_lock_take_passed(int fd, bool writes, struct file_lock_holder *ret_holder);

#endif
