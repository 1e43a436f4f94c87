/* SPDX-License-Identifier: Apache-2.0 */
/* Writes everything to a descriptor, however much write(2) takes at a time. */
#pragma once

#include "vmm/base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the @size bytes at @data to @fd. It blocks where there is no room, and continues after a
 * signal. 0, or -errno of write(2), and then a part may have been written.
 */
int file_write_all(int fd, const void *data, size_t size);

/*
 * Writes the @size bytes at @data to the file @fd from byte @offset on, wherever its own offset is,
 * and continues after a signal. 0, or -errno of pwrite(2) with @err set, which begins with @what;
 * then a part may have been written. -EFAULT: @data is in a mapping of a file that the host cannot
 * supply; no SIGBUS is raised.
 */
int file_write_at(int fd, uint64_t offset, const void *data, size_t size, const char *what,
		  struct error *err);

/*
 * Writes to a pipe or socket whose reader may not read, and which may be non-blocking. It waits at
 * most @patience_ms in all, then returns -ETIMEDOUT.
 */
int file_write_patiently(int fd, const void *data, size_t size, unsigned patience_ms);
