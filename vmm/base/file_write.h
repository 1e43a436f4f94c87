/* SPDX-License-Identifier: Apache-2.0 */
/* Writing all of something to a descriptor, however much write(2) takes at a time. */
#ifndef MVMM_VMM_FILE_WRITE_H
#define MVMM_VMM_FILE_WRITE_H

#include <stddef.h>

/*
 * Writes the @size bytes at @data to @fd, which waits where there is no room, and goes on after a
 * signal. 0, or -errno of write(2), and then a part may have been written.
 */
int file_write_all(int fd, const void *data, size_t size);

/*
 * The same for a pipe or socket whose reader may stand still, and which may be non-blocking: waits
 * at most @patience_ms in all, then -ETIMEDOUT.
 */
int file_write_patiently(int fd, const void *data, size_t size, unsigned patience_ms);

#endif
