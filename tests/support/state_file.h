/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state file with one section, which a test saves, changes byte by byte if it likes, and loads.
 *
 *   state_file_save(&file);         put into file.writer
 *   state_file_load(&file);         take from file.reader
 *   check_eq(state_file_result(&file), 0);
 */
#pragma once

#include "tests/support/check.h"
#include "vmm/base/state_format.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

struct state_file {
	struct state_writer writer;
	struct state_reader reader;
	struct error err;
};

static inline void state_file_fini(struct state_file *file)
{
	state_reader_fini(&file->reader);
	state_writer_fini(&file->writer);
}

/* Begins an empty section, whatever was there before. */
static inline void state_file_save(struct state_file *file)
{
	state_file_fini(file);
	*file->err.text = '\0';
	state_writer_init(&file->writer, STATE_MAX_SIZE);
	state_writer_begin(&file->writer, "device", 1);
}

/* Completes the file, once. */
static inline void state_file_complete(struct state_file *file)
{
	if (!file->writer.section)
		return;
	state_writer_end(&file->writer);
	check_eq(state_writer_finish(&file->writer, &file->err), 0, "%s", file->err.text);
}

#define STATE_FILE_SECTION (sizeof(struct state_header) + sizeof(struct state_section_head))

/* The bytes of the section, and how many. */
static inline uint8_t *state_file_bytes(struct state_file *file, size_t *ret_len)
{
	state_file_complete(file);
	*ret_len = file->writer.file.len - STATE_FILE_SECTION;
	return (uint8_t *)file->writer.file.data + STATE_FILE_SECTION;
}

/* Begins to read, with a checksum that is right; again, too. */
static inline void state_file_load(struct state_file *file)
{
	struct buffer *bytes = &file->writer.file;
	__le32 sum;

	state_file_complete(file);
	sum = host_to_le32(state_checksum(bytes->data, bytes->len));
	memcpy(bytes->data + offsetof(struct state_header, checksum), &sum, sizeof(sum));
	state_reader_fini(&file->reader);
	check_eq(state_reader_init(&file->reader, "state", bytes->data, bytes->len, &file->err), 0,
		 "%s", file->err.text);
	check_eq(state_reader_begin(&file->reader, "device", 1), 1);
}

/* 0 if all was read, and accepted; otherwise -errno, and file->err says what was refused. */
static inline int state_file_result(struct state_file *file)
{
	*file->err.text = '\0';
	state_reader_end(&file->reader);
	return state_reader_result(&file->reader, &file->err);
}
