// SPDX-License-Identifier: Apache-2.0
/* Between text and JSON values. Most of it finds QEMU's words for what jansson refuses. */
#include "vmm/control/qmp_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void qmp_json_init(void)
{
	json_object_seed(0);
}

/* Where the error is: the word that ends at, or goes on behind, jansson's position. */
struct place {
	const char *word;
	int len;   /* 0: it is no word */
	char last; /* the byte before the position, or 0 */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '+' || c == '.';
}

static struct place find_place(const char *text, size_t len, const json_error_t *error)
{
	size_t end = (size_t)error->position <= len ? (size_t)error->position : len;
	size_t start = end;

	while (start > 0 && is_word(text[start - 1]))
		start--;
	while (end > start && end < len && is_word(text[end]))
		end++;
	return (struct place){
		.word = text + start,
		.len = (int)(end - start),
		.last = end ? text[end - 1] : '\0',
	};
}

static bool is_keyword(const struct place *place)
{
	static const char *const known[] = { "true", "false", "null" };

	if (!place->len || !islower((unsigned char)place->word[0]))
		return false;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == (size_t)place->len &&
		    strncmp(known[i], place->word, (size_t)place->len) == 0)
			return false;
	return true;
}

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* jansson has one code for all of these, so its text decides. */
static int explain_syntax(const char *text, size_t len, const json_error_t *error,
			  struct error *err)
{
	struct place place = find_place(text, len, error);

	if (begins(error->text, "':' expected"))
		return error_set(err, EINVAL, "JSON parse error, missing : in object pair");
	if (begins(error->text, "'}' expected"))
		return error_set(err, EINVAL, "JSON parse error, expected separator in dict");
	if (begins(error->text, "']' expected"))
		return error_set(err, EINVAL, "JSON parse error, expected separator in list");
	if (begins(error->text, "invalid escape"))
		return error_set(err, EINVAL,
				 "JSON parse error, invalid escape sequence in string");
	if (begins(error->text, "invalid Unicode"))
		return error_set(
			err, EINVAL,
			"JSON parse error, escape sequence is not a valid Unicode character");
	if (is_keyword(&place))
		return error_set(err, EINVAL, "JSON parse error, invalid keyword '%.*s'", place.len,
				 place.word);
	if (begins(error->text, "invalid token"))
		return error_set(err, EINVAL, "JSON parse error, stray '%.*s'", place.len,
				 place.word);
	if (begins(error->text, "string or '}'") && !strchr("}],:", place.last))
		return error_set(err, EINVAL, "JSON parse error, key is not a string in object");
	return error_set(err, EINVAL, "JSON parse error, expecting value");
}

static int explain(const char *text, size_t len, const json_error_t *error, struct error *err)
{
	switch (json_error_code(error)) {
	case json_error_invalid_utf8:
		return error_set(err, EINVAL, "JSON parse error, invalid UTF-8 sequence in string");
	case json_error_duplicate_key:
		return error_set(err, EINVAL, "JSON parse error, duplicate key");
	case json_error_numeric_overflow:
		return error_set(err, EINVAL, "JSON parse error, number out of range");
	case json_error_null_byte_in_key:
		return error_set(err, EINVAL, "JSON parse error, NUL character in key");
	default:
		return explain_syntax(text, len, error, err);
	}
}

int qmp_json_parse(const char *text, size_t len, json_t **ret_value, struct error *err)
{
	json_error_t error;
	json_t *value = json_loadb(
		text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (!value)
		return explain(text, len, &error, err);
	*ret_value = value;
	return 0;
}

static int print_some(const char *bytes, size_t len, void *out)
{
	return buffer_append(out, bytes, len) < 0 ? -1 : 0;
}

int qmp_json_print(const json_t *value, struct buffer *out)
{
	size_t before = out->len;

	if (json_dump_callback(value, print_some, out,
			       JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) < 0 ||
	    buffer_append(out, "\r\n", 2) < 0) {
		out->len = before;
		return -ENOSPC;
	}
	return 0;
}

json_t *qmp_json_string(const char *text)
{
	json_t *string = json_string(text ? text : "");
	char ascii[512];
	size_t len;

	if (string)
		return string;
	snprintf(ascii, sizeof(ascii), "%s", text);
	len = strlen(ascii);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)ascii[i] >= 0x80)
			ascii[i] = '?';
	return json_string(ascii);
}
