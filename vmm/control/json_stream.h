/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where one JSON value ends and the next begins in what a client sends. QMP clients need not
 * end a command with a newline (some do not), so brackets are counted, by QEMU's rules. Single
 * quotes, which QEMU takes too, become double ones on the way.
 */
#ifndef MVMM_VMM_JSON_STREAM_H
#define MVMM_VMM_JSON_STREAM_H

#include "vmm/base/buffer.h"
#include "vmm/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A client's longest value, in bytes, and its deepest nesting (QEMU's MAX_NESTING). */
#define JSON_STREAM_MAX_SIZE (1u << 20)
#define JSON_STREAM_MAX_NESTING 1024

enum json_stream_result {
	JSON_STREAM_MORE,  /* no value ended yet */
	JSON_STREAM_VALUE, /* there is one in text, balanced but not checked further */
	JSON_STREAM_ERROR, /* error has QEMU's text; the stream goes on behind it */
	JSON_STREAM_FULL,  /* the same, and whoever sends this is not worth listening to */
};

struct json_stream {
	struct buffer text;
	struct error error;
	int state;
	char quote;   /* in a string: how it began */
	size_t token; /* where in the text the last token begins */
	int braces, brackets;
	bool taken; /* text was given out and is to be emptied */
};

void json_stream_init(struct json_stream *stream);
void json_stream_fini(struct json_stream *stream);

/*
 * Takes bytes up to the end of the next value or error, or all of them. Returns how many; calls for
 * the rest are the caller's.
 */
size_t json_stream_feed(struct json_stream *stream, const char *bytes, size_t len,
			enum json_stream_result *ret_result);

#endif
