/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the compressed part of a file as a stream of what was compressed. */
#pragma once

#include "vmm/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct decompressor;

/*
 * Opens the @len bytes at @off of @fd, which is borrowed. Recognises gzip, bzip2, lzma, xz, lz4 and
 * zstd. Returns 0, or -errno with @err set: -ENOENT without libarchive,
 * -EINVAL for data of no known kind, -ENOMEM.
 */
int decompressor_new(int fd, uint64_t off, uint64_t len, struct decompressor **ret_d,
		     struct error *err);

/* NULL is fine. */
void decompressor_free(struct decompressor *d);

/* The next bytes, at most @cap; 0 at the end, -EINVAL with @err set for damaged data. */
ssize_t decompressor_read(struct decompressor *d, void *buf, size_t cap, struct error *err);
