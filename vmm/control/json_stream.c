// SPDX-License-Identifier: Apache-2.0
/* Cuts a client's bytes into JSON values. Start reading at json_stream_feed. */
#include "vmm/control/json_stream.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* How many bytes of a bad token an error shows. */
#define SHOWN 64

enum state {
	BETWEEN, /* tokens */
	WORD,	 /* a number or keyword */
	STRING,
	ESCAPE,	 /* after a backslash */
	RECOVER, /* after an error: skip to the next structural character or line */
};

void json_stream_init(struct json_stream *stream, struct buffer_budget *budget)
{
	*stream =
		(struct json_stream){ .text = { .limit = JSON_STREAM_MAX_SIZE, .budget = budget } };
}

void json_stream_fini(struct json_stream *stream)
{
	buffer_fini(&stream->text);
}

static void restart(struct json_stream *stream, enum state state)
{
	stream->state = (int)state;
	stream->braces = 0;
	stream->brackets = 0;
	stream->tokens = 0;
	stream->taken = true;
}

static int append_text(struct json_stream *stream, const char *bytes)
{
	return buffer_append(&stream->text, bytes, strlen(bytes));
}

static int append_char(struct json_stream *stream, char c)
{
	return buffer_append(&stream->text, &c, 1);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '+' || c == '.';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_structural(char c)
{
	return c && strchr("{}[]:,", c);
}

/* The last token is not JSON. */
static enum json_stream_result reject_token(struct json_stream *stream)
{
	const char *token = stream->text.data + stream->token;
	size_t len = stream->text.len - stream->token;

	if (len > SHOWN)
		len = SHOWN;
	error_set(&stream->error, EINVAL, "JSON parse error, stray '%.*s'", (int)len, token);
	restart(stream, RECOVER);
	return JSON_STREAM_ERROR;
}

static enum json_stream_result refuse_size(struct json_stream *stream, int reason, const char *text)
{
	error_set(&stream->error, EMSGSIZE, "%s",
		  reason == -EDQUOT ? "all clients together use as much memory as they can have"
				    : text);
	restart(stream, RECOVER);
	return JSON_STREAM_FULL;
}

/* Ends a token, and the value too if nothing is open or too much was closed. */
static enum json_stream_result end_token(struct json_stream *stream)
{
	int braces = stream->braces, brackets = stream->brackets;

	stream->state = BETWEEN;
	if (braces > 0 && brackets >= 0)
		return JSON_STREAM_MORE;
	if (brackets > 0 && braces >= 0)
		return JSON_STREAM_MORE;
	restart(stream, BETWEEN);
	return JSON_STREAM_VALUE;
}

static enum json_stream_result read_structural(struct json_stream *stream, char c)
{
	stream->braces += (c == '{') - (c == '}');
	stream->brackets += (c == '[') - (c == ']');
	if (stream->braces + stream->brackets > JSON_STREAM_MAX_NESTING) {
		error_set(&stream->error, E2BIG, "JSON nesting depth limit exceeded");
		restart(stream, BETWEEN);
		return JSON_STREAM_ERROR;
	}
	return end_token(stream);
}

static enum json_stream_result read_between(struct json_stream *stream, char c)
{
	int ret;

	stream->token = stream->text.len;
	if (is_space(c)) {
		/* A space counts within a value only. */
		ret = stream->text.len ? append_char(stream, ' ') : 0;
		return ret < 0 ? refuse_size(stream, ret, "JSON token count limit exceeded")
			       : JSON_STREAM_MORE;
	}
	if (++stream->tokens > JSON_STREAM_MAX_TOKENS)
		return refuse_size(stream, -ENOSPC,
				   "JSON token count limit exceeded: a request can have 10000");
	ret = append_char(stream, c == '\'' ? '"' : c);
	if (ret < 0)
		return refuse_size(stream, ret, "JSON token count limit exceeded");
	if (is_structural(c))
		return read_structural(stream, c);
	if (c == '"' || c == '\'') {
		stream->quote = c;
		stream->state = STRING;
	} else if (is_word(c)) {
		stream->state = WORD;
	} else {
		return reject_token(stream);
	}
	return JSON_STREAM_MORE;
}

static enum json_stream_result in_string(struct json_stream *stream, char c)
{
	int ret = 0;

	if (stream->state == ESCAPE) {
		/* JSON does not have \', which QEMU accepts. */
		ret = c == '\'' ? 0 : append_char(stream, '\\');
		if (ret == 0)
			ret = append_char(stream, c);
		stream->state = STRING;
	} else if (c == '\\') {
		stream->state = ESCAPE;
	} else if (c == stream->quote) {
		ret = append_char(stream, '"');
		if (ret == 0)
			return end_token(stream);
	} else {
		ret = c == '"' ? append_text(stream, "\\\"") : append_char(stream, c);
	}
	if (ret < 0)
		return refuse_size(stream, ret, "JSON token size limit exceeded");
	if ((unsigned char)c < ' ')
		return reject_token(stream);
	return JSON_STREAM_MORE;
}

/* Processes one byte. *@ret_again: the byte belongs to the next token, so process it again. */
static enum json_stream_result process_byte(struct json_stream *stream, char c, bool *ret_again)
{
	int ret;

	switch ((enum state)stream->state) {
	case WORD:
		if (!is_word(c)) {
			*ret_again = true;
			return end_token(stream);
		}
		ret = append_char(stream, c);
		return ret < 0 ? refuse_size(stream, ret, "JSON token size limit exceeded")
			       : JSON_STREAM_MORE;
	case STRING:
	case ESCAPE:
		return in_string(stream, c);
	case RECOVER:
		if ((unsigned char)c >= ' ' && !is_structural(c))
			return JSON_STREAM_MORE;
		stream->state = BETWEEN;
		*ret_again = true;
		return JSON_STREAM_MORE;
	case BETWEEN:
		break;
	}
	return read_between(stream, c);
}

size_t json_stream_feed(struct json_stream *stream, const char *bytes, size_t len,
			enum json_stream_result *ret_result)
{
	*ret_result = JSON_STREAM_MORE;
	if (stream->taken) {
		buffer_reset(&stream->text);
		stream->taken = false;
	}
	for (size_t i = 0; i < len; i++) {
		bool again;

		do {
			again = false;
			*ret_result = process_byte(stream, bytes[i], &again);
			if (*ret_result != JSON_STREAM_MORE)
				return again ? i : i + 1;
		} while (again);
	}
	return len;
}
