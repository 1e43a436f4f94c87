/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where one JSON value ends and the next begins in a client's bytes. QMP clients need not end
 * a command with a newline (some do not), so brackets are counted, by QEMU's rules. Single quotes,
 * which QEMU accepts, become double ones.
 */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A client's longest value, in bytes and in tokens (brackets, commas, colons, strings, words), and
 * its deepest nesting (QEMU's MAX_NESTING). A token costs far more time and memory than a byte. A
 * value is parsed in one piece, on the event loop.
 */
#define JSON_STREAM_MAX_SIZE (256u << 10)
#define JSON_STREAM_MAX_TOKENS 10000
#define JSON_STREAM_MAX_NESTING 1024

enum json_stream_result {
	JSON_STREAM_MORE,  /* no value ended yet */
	JSON_STREAM_VALUE, /* text has one, with balanced brackets but otherwise unchecked */
	JSON_STREAM_ERROR, /* error has QEMU's text; the stream goes on behind the bad token */
	JSON_STREAM_FULL,  /* likewise, but the input is too large: disconnect the client */
};

struct json_stream {
	struct buffer text;
	struct error error;
	int state;
	char quote;   /* in a string: the opening quote */
	size_t token; /* where in the text the last token begins */
	int braces, brackets;
	unsigned tokens;
	bool taken; /* text was returned, and is to be emptied */
};

/* @budget, for the memory of several streams, stays the caller's; or NULL. */
void json_stream_init(struct json_stream *stream, struct buffer_budget *budget);
void json_stream_fini(struct json_stream *stream);

/*
 * Processes bytes up to the end of the next value or error, or all of them. Returns how many; the
 * caller calls again for the rest.
 */
size_t json_stream_feed(struct json_stream *stream, const char *bytes, size_t len,
			enum json_stream_result *ret_result);
