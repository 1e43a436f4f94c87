/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an option names a file: a path, or fd:N, a descriptor that mvmm was started with. So a
 * launcher can open everything, give up its rights, and only then execute mvmm. (A file of such a
 * name is ./fd:N.)
 */
#ifndef MVMM_VMM_FILE_ARGUMENT_H
#define MVMM_VMM_FILE_ARGUMENT_H

#include "vmm/base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Whether @text means a descriptor. */
bool file_argument_is_fd(const char *text);

/* stat(2) of what @text, a path or fd:N, names, without opening or taking it: 0, or -errno. */
int file_argument_stat(const char *text, struct stat *ret_st);

/*
 * Takes the descriptor that @text, fd:N, names: the caller's to close, and with FD_CLOEXEC from now
 * on, so that it is not taken for one that was inherited by mistake. A standard one (0 to 2) stays
 * as it is, and the caller gets a duplicate. @access, one of O_RDONLY, O_WRONLY and O_RDWR, is what
 * it has to be open for at least. Its offset and status flags are as they were.
 *
 * @err begins with @option and @text. -EINVAL: no number. -EBADF: not open. -EBUSY: taken before,
 * or opened by mvmm itself, both of which have FD_CLOEXEC, while what came through exec cannot.
 * -EACCES: not open for @access.
 */
int file_argument_take(const char *option, const char *text, int access, struct error *err);

/*
 * The lowest descriptor from @from on that was taken, in its own place: unlike all others of mvmm's
 * it can have any number. -1: there is none.
 */
int file_argument_next(int from);

#endif
