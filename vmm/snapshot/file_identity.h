/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells whether a file is the one that it was, with the bytes that it had, without reading them:
 * by its inode, size, and times. Its time of change (ctime) is a generation: each store to the file
 * sets it, and no program can set it back. It also changes if the file is renamed, linked, or gets
 * another owner or mode, so a file that differs may have the same bytes.
 *
 * The number of the device is not in it, because that can be another one when the host has started
 * again. The times of a block device do not tell of stores.
 */
#pragma once

#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdint.h>

struct file_identity {
	uint64_t inode;
	uint64_t size; /* bytes */
	uint64_t mtime_s, ctime_s;
	uint32_t mtime_ns, ctime_ns;
};

/* Of the file @fd now. -errno of fstat(2). */
int file_identity_get(int fd, struct file_identity *ret_identity);

/* Put it into the open section, and take it from there: any value is an identity. */
void file_identity_save(const struct file_identity *identity, struct state_writer *writer);
void file_identity_load(struct file_identity *ret_identity, struct state_reader *reader);

/* What of the file @is differs from what it @was, for a message behind its name: "was changed".
 * NULL: nothing. */
const char *file_identity_differs(const struct file_identity *was, const struct file_identity *is);
