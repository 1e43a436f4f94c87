/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies out of and into mappings of files. A page that the host cannot supply, because the file
 * was truncated, is on a full file system or cannot be read, raises SIGBUS; here it is an error.
 */
#ifndef MVMM_VMM_GUARDED_COPY_H
#define MVMM_VMM_GUARDED_COPY_H

#include <stddef.h>

/*
 * Takes over SIGBUS. One that is not raised by guarded_copy goes to the action that there was, so
 * this comes after whoever else sets one. -errno from sigaction(2).
 */
int guarded_copy_init(void);

/*
 * Copies @len bytes; at least one side is a mapping. -EIO: the host cannot supply a page of it, and
 * some bytes may have been copied. From any thread that does not block SIGBUS.
 */
int guarded_copy(void *to, const void *from, size_t len);

#endif
