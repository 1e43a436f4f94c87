/* SPDX-License-Identifier: Apache-2.0 */
/* Writes everything to a descriptor, however much write(2) takes at a time. */
#pragma once

#include <stddef.h>

/*
 * Writes the @size bytes at @data to @fd. It blocks where there is no room, and continues after a
 * signal. 0, or -errno of write(2), and then a part may have been written.
 */
int file_write_all(int fd, const void *data, size_t size);

/*
 * Writes to a pipe or socket whose reader may not read, and which may be non-blocking. It waits at
 * most @patience_ms in all, then returns -ETIMEDOUT.
 */
int file_write_patiently(int fd, const void *data, size_t size, unsigned patience_ms);
