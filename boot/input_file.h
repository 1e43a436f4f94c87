/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel or initrd on the host. It is opened read-only, and its size is read once. Reads name
 * their offset, so the file offset of a descriptor that was passed to mvmm does not matter. The
 * file may change at any time: a second read may return something else.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"

#include <stddef.h>
#include <stdint.h>

struct input_file {
	int fd;		  /* owned */
	const char *what; /* the option that named it, such as "--kernel"; borrowed */
	const char *path; /* borrowed */
	uint64_t size;	  /* bytes; 0: not open */
};

/*
 * Opens @path, or takes it where it is fd:N; it must be a regular file that is not empty. Returns
 * 0, or -errno with @err set; on failure there is nothing to close.
 */
int input_file_open(struct input_file *file, const char *what, const char *path, struct error *err);

/* Accepts a zeroed one. */
void input_file_close(struct input_file *file);

/* Reads exactly @len bytes at @off. -EINVAL if the file ends before, -errno of pread. */
int input_file_read(const struct input_file *file, uint64_t off, void *buf, size_t len,
		    struct error *err);

/* Reads @len bytes at @off to @addr, which must be RAM: -E2BIG where it is not. */
int input_file_load(const struct input_file *file, uint64_t off, uint64_t len,
		    const struct guest_memory *mem, gpa_t addr, struct error *err);
