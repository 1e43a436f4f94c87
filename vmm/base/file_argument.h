/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that an option names: a path, or fd:N, a descriptor that mvmm was started with. So a
 * launcher can open everything, give up its rights, and only then execute mvmm. (For a file with
 * the name fd:N, give ./fd:N.)
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Whether @text is fd:N. */
bool file_argument_is_fd(const char *text);

/* stat(2) of the file that @text, a path or fd:N, names, without taking it. 0 or -errno. */
int file_argument_stat(const char *text, struct stat *ret_st);

/*
 * Takes the descriptor that @text, fd:N, names. The caller closes it. It gets FD_CLOEXEC, so that
 * sandbox_confine does not close it as one that was inherited by mistake. A standard one (0 to 2)
 * stays as it is, and the caller gets a duplicate. It has to be open for at least @access, one of
 * O_RDONLY, O_WRONLY and O_RDWR. Its offset and status flags are unchanged.
 *
 * @err begins with @option and @text. -EINVAL: no number. -EBADF: not open. -EBUSY: it was taken
 * before, or mvmm opened it: both kinds have FD_CLOEXEC, and a descriptor that came through exec
 * cannot. -EACCES: not open for @access.
 */
int file_argument_take(const char *option, const char *text, int access, struct error *err);

/* The same for an option whose value is @number alone. */
int file_argument_take_number(const char *option, int number, int access, struct error *err);

/*
 * The lowest descriptor from @from on that was taken and kept its number. Unlike all other
 * descriptors of mvmm, it can have any number. -1: there is none.
 */
int file_argument_next(int from);
