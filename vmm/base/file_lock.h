/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of whole files between processes: many readers or one writer. A lock belongs to the open
 * file description (fcntl(2), "Open file description locks"), so it ends with that, and closing
 * another descriptor of the file does not end it. The kernel does not say which process has such a
 * lock. Therefore its holder has a flock(2) as well, which excludes nobody and shows its pid in
 * /proc/locks.
 *
 * A descriptor that was passed to us is different. Its file cannot always be opened again, and
 * others may have the same open file description, with whom such a lock would be shared. It gets
 * the older kind of lock (fcntl(2), "Traditional record locks"), which belongs to the process,
 * conflicts with the other kind as well, and shows its pid by itself.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct file_lock_holder {
	pid_t pid; /* 0 if unknown: a program that is not mvmm, or in another container */
	bool writes;
};

/*
 * Locks the file of @fd, without waiting. A writer's @fd must be open for writing. Returns a
 * descriptor: closing it ends the lock. It is a second open file, because io_uring can hold the
 * files that it was given for some tenths of a second after their process has died, and must not
 * hold the lock. -EBUSY: another open file has a lock that conflicts; @ret_holder says whose. Other
 * -errno, such as -ENOLCK: the file system has no locks. Needs /proc.
 */
int file_lock_take(int fd, bool writes, struct file_lock_holder *ret_holder);

/*
 * Whether process @pid has ended, or is about to: it was killed, and the kernel closes its files.
 * False if that cannot be found out.
 */
bool file_lock_holder_is_ending(pid_t pid);

/*
 * Locks the file of @fd that was passed to us; the lock has no descriptor of its own. 0, or -errno
 * as above. The lock ends with the process, or when the process closes any descriptor of this file.
 * So a file with such a lock must not be opened again by its path. @ret_holder may be NULL.
 */
int file_lock_take_passed(int fd, bool writes, struct file_lock_holder *ret_holder);

/*
 * Remembers that @fd has such a lock, until file_lock_forget, which does nothing for another one.
 * All functions from here on are for one thread.
 */
void file_lock_remember(int fd, bool writes);
void file_lock_forget(int fd);

/*
 * Takes all locks again that are remembered, since closing other descriptors may have ended them.
 * -EBUSY: somebody else was faster; or other -errno.
 */
int file_lock_take_again(void);

/* Closes @fd, which somebody has passed to us and which may be of any file, and does that. */
void file_lock_close(int fd);
