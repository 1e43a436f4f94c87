/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a state file (state_format.h) apart. Its bytes are hostile: they are copied first, and each
 * value is bounded by its section. The first failure is kept, and everything after it reads as 0,
 * so a caller checks once, by state_reader_result or state_reader_finish.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_section {
	const char *name;     /* in the copy, printable */
	const uint8_t *bytes; /* in the copy */
	size_t size;
	uint32_t version;
	bool was_read;
};

struct state_reader {
	const char *what; /* borrowed: begins each message */
	uint8_t *file;	  /* owned copy */
	size_t size;
	struct state_section *sections; /* owned; in the order of the file */
	uint32_t count;
	struct state_section *current; /* the open one, or NULL */
	size_t at;		       /* in the current one */
	int failed;		       /* -errno of the first failure, or 0 */
	struct error error;
};

/*
 * Copies the @size bytes at @data, and checks what holds of any state file: magic, versions, sizes,
 * checksum, architecture, and names. @what is the option and file for messages, and must outlive
 * @reader. -ENOMEM, -ENOTSUP (version, architecture, or a size that no mvmm saves) or -EINVAL with
 * @err set; then there is nothing to free.
 */
int state_reader_init(struct state_reader *reader, const char *what, const void *data, size_t size,
		      struct error *err);

/* The same for the regular file @fd, from its beginning, whatever its offset. Also -errno of
 * pread(2). */
int state_reader_load(struct state_reader *reader, const char *what, int fd, struct error *err);

/* Takes a zeroed one. */
void state_reader_fini(struct state_reader *reader);

/* The name of section @index in the order of the file, or NULL behind the last. */
const char *state_reader_name(const struct state_reader *reader, uint32_t index);

bool state_reader_has(const struct state_reader *reader, const char *name);

/*
 * Begins to read section @name, from its first byte, even if it was read before. Returns its
 * version, 1 to @newest, which is the newest that the caller knows. Fails, and returns 0, if it is
 * missing or has another version.
 */
uint32_t state_reader_begin(struct state_reader *reader, const char *name, uint32_t newest);

/* Ends that. Fails if not all of the section was read. */
void state_reader_end(struct state_reader *reader);

uint8_t state_reader_u8(struct state_reader *reader);
uint16_t state_reader_u16(struct state_reader *reader);
uint32_t state_reader_u32(struct state_reader *reader);
uint64_t state_reader_u64(struct state_reader *reader);

/* Fails unless the byte is 0 or 1. */
bool state_reader_bool(struct state_reader *reader);

/*
 * A number of 32 bits that says how many @things follow: "queues". Fails, and returns 0, if it is
 * more than @max. For loops: another number from the file may be four thousand million.
 */
uint32_t state_reader_count(struct state_reader *reader, const char *things, uint32_t max);

/* The next @len bytes; zeroes if that fails. */
void state_reader_bytes(struct state_reader *reader, void *ret_data, size_t len);

/*
 * A string of state_writer_string, into @ret_text of @size bytes. Fails, and gives "", if it is
 * longer or has a NUL. It may have any other byte.
 */
void state_reader_string(struct state_reader *reader, char *ret_text, size_t size);

/* How many bytes of the current section were not read yet; 0 after a failure. */
size_t state_reader_left(const struct state_reader *reader);

/*
 * Fails because of a value that the caller refuses. @code is a positive errno, the text names the
 * value and the way out; the file and the section are put before it. Ignored after a failure.
 */
void state_reader_fail(struct state_reader *reader, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* 0, or -errno of the first failure with @err set. */
int state_reader_result(const struct state_reader *reader, struct error *err);

/* The first section that was never begun, or NULL. */
const char *state_reader_unread(const struct state_reader *reader);

/* state_reader_result; and -ENOTSUP with @err set if there is a section that was never begun. */
int state_reader_finish(const struct state_reader *reader, struct error *err);
