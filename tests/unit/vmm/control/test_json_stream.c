// SPDX-License-Identifier: Apache-2.0
/* Values cut out of bytes that come in any pieces, and bytes that are none. */
#include "vmm/control/json_stream.h"

#include "tests/support/check.h"

#include <stdio.h>

static struct json_stream stream;
static struct buffer_budget budget;

static void setup(void)
{
	json_stream_init(&stream, &budget);
}

static void teardown(void)
{
	json_stream_fini(&stream);
}

/*
 * What comes of @bytes, fed @piece at a time: each value in angle brackets, each error's text
 * behind a '!' on its own.
 */
static const char *cut(const char *bytes, size_t len, size_t piece)
{
	static char text[8192];
	size_t used = 0;

	text[0] = '\0';
	for (size_t at = 0, n; at < len; at += n) {
		enum json_stream_result result;
		size_t some = len - at < piece ? len - at : piece;

		n = json_stream_feed(&stream, bytes + at, some, &result);
		cr_assert(n <= some);
		if (result == JSON_STREAM_MORE)
			check_eq(n, some, "it stops only at an end");
		else if (result == JSON_STREAM_VALUE)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "<%s>",
						 buffer_text(&stream.text));
		else
			used += (size_t)snprintf(text + used, sizeof(text) - used, "!%s!",
						 stream.error.text);
		cr_assert(used < sizeof(text));
	}
	return text;
}

/* The pieces make no difference. */
static void expect(const char *bytes, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(bytes); piece++) {
		const char *text;

		teardown();
		setup();
		text = cut(bytes, strlen(bytes), piece);
		cr_assert_str_eq(text, expected, "in pieces of %zu: %s: \"%s\" instead of \"%s\"",
				 piece, bytes, text, expected);
	}
}

Test(json_stream, values, .init = setup, .fini = teardown)
{
	expect("{}", "<{}>");
	expect("{\"a\":[1,{}]}[2]", "<{\"a\":[1,{}]}><[2]>");
	expect(" \t\r\n{ \"a\" : 1 }\n\n{}\n", "<{ \"a\" : 1 }><{}>");
	expect("\"a\"\"b\"", "<\"a\"><\"b\">");
	expect("{\"a\":", "");
	expect("1 -2.5e+3 true\nfalse ", "<1><-2.5e+3><true><false>");
	expect("1", "");
	expect("1{}", "<1><{}>");
}

/* What looks like an end within a string is none. */
Test(json_stream, strings, .init = setup, .fini = teardown)
{
	expect("[\"]}{[\"]", "<[\"]}{[\"]>");
	expect("[\"\\\"]\"]", "<[\"\\\"]\"]>");
	expect("[\"\\\\\"]", "<[\"\\\\\"]>");
	expect("[\"\\\\\\\"]\"]", "<[\"\\\\\\\"]\"]>");
	expect("[\"'\"]", "<[\"'\"]>");
	expect("[\"\xff\x7f\"]", "<[\"\xff\x7f\"]>");
}

/* QEMU's, which JSON has not. */
Test(json_stream, single_quotes, .init = setup, .fini = teardown)
{
	expect("{'a':'b'}", "<{\"a\":\"b\"}>");
	expect("['\"']", "<[\"\\\"\"]>");
	expect("['\\'']", "<[\"'\"]>");
	expect("['\\\"']", "<[\"\\\"\"]>");
	expect("['\\n']", "<[\"\\n\"]>");
}

/* Closed too much: somebody else's to refuse, but the end of something. */
Test(json_stream, unbalanced, .init = setup, .fini = teardown)
{
	expect("}", "<}>");
	expect("]{}", "<]><{}>");
	expect("{]", "<{]>");
	expect("{}}{}", "<{}><}><{}>");
	expect("[}]{}", "<[}><]><{}>");
}

Test(json_stream, stray_bytes, .init = setup, .fini = teardown)
{
	expect("#", "!JSON parse error, stray '#'!");
	expect("#!/bin/sh\n{}", "!JSON parse error, stray '#'!<{}>");
	expect("{\"a\":%}{}", "!JSON parse error, stray '%'!<}><{}>");
	expect("\x01\n{}", "!JSON parse error, stray '\x01'!<{}>");
	expect("\xff{}", "!JSON parse error, stray '\xff'!<{}>");
	/* A string ends with its line. */
	expect("\"ab\n{}", "!JSON parse error, stray '\"ab\n'!<{}>");
	expect("[\"ab\ncd\"]\n{}", "!JSON parse error, stray '\"ab\n'!"
				   "<]><{}>");
}

/* NUL ends no text here. */
Test(json_stream, nul, .init = setup, .fini = teardown)
{
	check_str(cut("\0{}", 3, 3), "!JSON parse error, stray ''!<{}>");
	check_str(cut("\"a\0b\"\n{}", 8, 8), "!JSON parse error, stray '\"a'!<{}>");
}

/* Of what does not end an error shows the beginning. */
Test(json_stream, long_stray_token, .init = setup, .fini = teardown)
{
	static char text[1000];
	const char *said;

	memset(text, 'a', sizeof(text));
	text[0] = '"';
	text[999] = '\n';
	said = cut(text, sizeof(text), sizeof(text));
	check_eq(strlen(said), strlen("!JSON parse error, stray ''!") + 64);
	check_contains(said, "stray '\"aaaa");
}

Test(json_stream, nesting, .init = setup, .fini = teardown)
{
	static char deep[2 * JSON_STREAM_MAX_NESTING + 2];
	enum json_stream_result result;
	size_t n = JSON_STREAM_MAX_NESTING;

	memset(deep, '[', n);
	memset(deep + n, ']', n);
	check_eq(json_stream_feed(&stream, deep, 2 * n, &result), 2 * n);
	check_eq(result, JSON_STREAM_VALUE);
	memset(deep, '[', n);
	deep[n] = '{';
	check_eq(json_stream_feed(&stream, deep, n + 1, &result), n + 1);
	check_eq(result, JSON_STREAM_ERROR);
	check_str(stream.error.text, "JSON nesting depth limit exceeded");
	check_str(cut("{}", 2, 2), "<{}>");
}

static enum json_stream_result feed_until_full(const char *bytes, size_t len, size_t *ret_total)
{
	enum json_stream_result result = JSON_STREAM_MORE;

	for (*ret_total = 0; result == JSON_STREAM_MORE && *ret_total < 2 * JSON_STREAM_MAX_SIZE;)
		*ret_total += json_stream_feed(&stream, bytes, len, &result);
	return result;
}

/* A client that never ends what it says gets a megabyte and no more. */
Test(json_stream, size, .init = setup, .fini = teardown)
{
	static const struct {
		const char *begin, *then, *text;
	} cases[] = {
		{ "\"", "aaaaaaaa", "JSON token size limit exceeded" },
		{ "", "11111111", "JSON token size limit exceeded" },
		{ "[", "        ", "JSON token count limit exceeded" },
		{ "\"", "\\\"\\\"\\\"\\\"", "JSON token size limit exceeded" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t total;

		teardown();
		setup();
		cut(cases[i].begin, strlen(cases[i].begin), 1);
		check_eq(feed_until_full(cases[i].then, 8, &total), JSON_STREAM_FULL, "case %zu",
			 i);
		check_str(stream.error.text, cases[i].text);
		check_eq(total + strlen(cases[i].begin), JSON_STREAM_MAX_SIZE + 1, "case %zu", i);
		check_eq(stream.text.len, JSON_STREAM_MAX_SIZE, "case %zu", i);
		/* It goes on all the same, in as little memory as at first. */
		check_str(cut("\n{}", 3, 3), "<{}>");
		cr_assert(stream.text.capacity <= 4096);
	}
}

/* Whatever the tokens are, and however short the text. */
Test(json_stream, tokens, .init = setup, .fini = teardown)
{
	static const struct {
		const char *begin, *then;
		size_t bytes; /* of the largest value */
	} cases[] = {
		{ "[", "1,", JSON_STREAM_MAX_TOKENS },
		{ "[", "{}", JSON_STREAM_MAX_TOKENS },
		{ "{", "\"a\":", 1 + (JSON_STREAM_MAX_TOKENS - 1) / 2 * 4 + 3 },
	};
	enum json_stream_result result;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t total;

		teardown();
		setup();
		cut(cases[i].begin, 1, 1);
		check_eq(feed_until_full(cases[i].then, strlen(cases[i].then), &total),
			 JSON_STREAM_FULL, "case %zu", i);
		check_str(stream.error.text,
			  "JSON token count limit exceeded: a request can have 10000");
		check_eq(stream.text.len, cases[i].bytes, "case %zu", i);
	}
	/* The next value has as many again. */
	json_stream_feed(&stream, "\n[1]", 4, &result);
	check_eq(result, JSON_STREAM_VALUE);
	check_eq(stream.tokens, 0);
}

/* The memory of others counts, unless this one needs little. */
Test(json_stream, budget, .init = setup, .fini = teardown)
{
	size_t total;

	budget = (struct buffer_budget){ .spent = 100000, .limit = 100000 + 3 * BUFFER_SMALL };
	check_str(cut("[\"little\"]", 10, 10), "<[\"little\"]>");
	check_eq(budget.spent, 100000);
	cut("\"", 1, 1);
	check_eq(feed_until_full("aaaaaaaa", 8, &total), JSON_STREAM_FULL);
	check_str(stream.error.text, "all clients together use as much memory as they can have");
	check_eq(stream.text.len, 2 * BUFFER_SMALL - 1);
	check_eq(budget.spent, 100000 + 2 * BUFFER_SMALL);
	check_str(cut("\n{}", 3, 3), "<{}>");
	check_eq(budget.spent, 100000);
}

/* Blanks between values are not kept. */
Test(json_stream, blanks_for_ever, .init = setup, .fini = teardown)
{
	size_t total;

	check_eq(feed_until_full(" \n\t\r    ", 8, &total), JSON_STREAM_MORE);
	check_eq(stream.text.len, 0);
	check_str(cut("{}", 2, 2), "<{}>");
}
