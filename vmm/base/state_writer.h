/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a state file (state_format.h) in memory. A failure is kept, and what is put after it is
 * ignored, so a caller checks once, by state_writer_finish.
 */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct state_writer {
	struct buffer file; /* complete after state_writer_finish */
	size_t section;	    /* where the head of the open section is; 0: none is open */
	uint32_t sections;
	int failed; /* -errno of the first failure, or 0 */
	struct error error;
};

/* Begins a file of at most @limit bytes, which is at most STATE_MAX_SIZE. Allocates. */
void state_writer_init(struct state_writer *writer, size_t limit);

/* Takes a zeroed one. */
void state_writer_fini(struct state_writer *writer);

/*
 * Begins a section. What is put until state_writer_end belongs to it. @version, from 1, is that of
 * the section's layout. The file fails if @name is empty, longer than STATE_NAME_MAX, has a space
 * or a character that is not printable ASCII, or is that of another section.
 */
void state_writer_begin(struct state_writer *writer, const char *name, uint32_t version);
void state_writer_end(struct state_writer *writer);

/* Numbers are put little-endian, without padding. */
void state_writer_u8(struct state_writer *writer, uint8_t value);
void state_writer_u16(struct state_writer *writer, uint16_t value);
void state_writer_u32(struct state_writer *writer, uint32_t value);
void state_writer_u64(struct state_writer *writer, uint64_t value);
void state_writer_bool(struct state_writer *writer, bool value);

/* Puts @len bytes as they are. The reader has to know how many. */
void state_writer_bytes(struct state_writer *writer, const void *data, size_t len);

/* Puts the length as 32 bits and the characters without their final NUL. */
void state_writer_string(struct state_writer *writer, const char *text);

/*
 * Completes the header: writer->file is the file. 0, or with @err set: -ENOSPC (the limit),
 * -ENOMEM, -EINVAL (a name), -EEXIST (a name that is used twice), -E2BIG (STATE_MAX_SECTIONS).
 */
int state_writer_finish(struct state_writer *writer, struct error *err);
