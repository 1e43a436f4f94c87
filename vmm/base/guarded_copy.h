/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies out of and into mappings of files. If the host cannot supply a page, because the file was
 * truncated, is on a full file system or cannot be read, the access raises SIGBUS. guarded_copy
 * turns that into an error.
 */
#pragma once

#include <stddef.h>

/*
 * Installs a handler of SIGBUS. A SIGBUS from elsewhere gets the action that was set before, so
 * call this after other code has set its own. -errno from sigaction(2).
 */
int guarded_copy_init(void);

/*
 * From now on a SIGBUS of an access to the @size bytes at @start that is no guarded copy calls
 * @fatal, in the signal's handler, which must not return. For memory that devices access as it
 * is, such as rings, where a file is below it.
 */
void guarded_copy_watch(const void *start, size_t size, void (*fatal)(void));

/*
 * Copies @len bytes; at least one side is a mapping. -EIO: the host cannot supply a page, and some
 * bytes may have been copied. From any thread that does not block SIGBUS.
 */
int guarded_copy(void *to, const void *from, size_t len);
