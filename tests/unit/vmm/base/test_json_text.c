// SPDX-License-Identifier: Apache-2.0
/* JSON values read and written, and texts that are none. */
#include "vmm/base/json_text.h"

#include "tests/support/check.h"

#include <errno.h>

static struct error err;
static struct buffer out;

static json_t *parsed(const char *text)
{
	json_t *value = NULL;

	check_eq(json_text_parse(text, strlen(text), &value, &err), 0, "%s: %s", text, err.text);
	cr_assert(value);
	return value;
}

/* What is printed for @text. */
static const char *printed(const char *text)
{
	json_t *value = parsed(text);

	buffer_reset(&out);
	check_eq(json_text_print(value, &out), 0);
	json_decref(value);
	return buffer_text(&out);
}

Test(json_text, one_line_in_ascii)
{
	json_text_init();
	check_str(printed(" { \"a\" : [ 1 , -2.5,\ntrue, null ] } "),
		  "{\"a\":[1,-2.5,true,null]}\r\n");
	check_str(printed("\"\u00e9\""), "\"\\u00E9\"\r\n");
	check_str(printed("\"\\u0000\""), "\"\\u0000\"\r\n");
	check_str(printed("7"), "7\r\n");
	check_str(printed("9223372036854775807"), "9223372036854775807\r\n");
	check_str(printed("{}"), "{}\r\n");
}

static void expect_keyval(const char *json, enum keyval_type type, const char *text, int64_t number)
{
	char digits[JSON_TEXT_DIGITS];
	json_t *value = parsed(json);
	struct keyval kv;

	check_eq(json_text_keyval("k", value, digits, &kv), text != NULL, "%s", json);
	if (text) {
		check_str(kv.key, "k");
		check_str(kv.value, text);
		check_eq(kv.type, type, "%s", json);
		check_eq(kv.number, number, "%s", json);
	}
	json_decref(value);
}

/* Numbers and booleans keep their types. */
Test(json_text, items_of_lists)
{
	char digits[JSON_TEXT_DIGITS];
	struct keyval kv;

	expect_keyval("\"12\"", KEYVAL_TEXT, "12", 0);
	expect_keyval("\"\"", KEYVAL_TEXT, "", 0);
	expect_keyval("12", KEYVAL_NUMBER, "12", 12);
	expect_keyval("-9223372036854775808", KEYVAL_NUMBER, "-9223372036854775808", INT64_MIN);
	expect_keyval("true", KEYVAL_SWITCH, "on", 1);
	expect_keyval("false", KEYVAL_SWITCH, "off", 0);
	expect_keyval("1.5", 0, NULL, 0);
	expect_keyval("null", 0, NULL, 0);
	expect_keyval("[1]", 0, NULL, 0);
	expect_keyval("{}", 0, NULL, 0);
	cr_assert(!json_text_keyval("k", NULL, digits, &kv));
}

Test(json_text, no_json)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"{\"a\":1,}",
		"[1 2]",
		"nul",
		"'a'",
		"1 1",
		"\"a",
		"\"\\x\"",
		"\"\n\"",
		"\"\xff\"",
		"{a:1}",
		"01",
		"-",
		"{\"a\":1,\"a\":2}",
		"9223372036854775808",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *value = NULL;

		err.text[0] = '\0';
		check_eq(json_text_parse(texts[i], strlen(texts[i]), &value, &err), -EINVAL, "%s",
			 texts[i]);
		cr_assert(strncmp(err.text, "JSON parse error, ", 18) == 0, "%s", err.text);
		cr_assert(err.text[18] != '\0');
		cr_assert(value == NULL, "untouched");
	}
}

/* @len counts, not a NUL. */
Test(json_text, length)
{
	json_t *value = NULL;

	check_eq(json_text_parse("123", 2, &value, &err), 0);
	check_eq(json_integer_value(value), 12);
	json_decref(value);
	check_eq(json_text_parse("1\0002", 3, &value, &err), -EINVAL);
}

/* All of it or nothing, so that nobody reads half an answer. */
Test(json_text, no_room)
{
	json_t *value = parsed("[\"abcdef\",1]");

	out.limit = 17;
	check_eq(buffer_append(&out, "before", 6), 0);
	check_eq(json_text_print(value, &out), -ENOSPC);
	check_str(buffer_text(&out), "before");
	out.limit = 19;
	check_eq(json_text_print(value, &out), -ENOSPC, "there is no room for the end of the line");
	check_str(buffer_text(&out), "before");
	out.limit = 20;
	check_eq(json_text_print(value, &out), 0);
	check_str(buffer_text(&out), "before[\"abcdef\",1]\r\n");
	json_decref(value);
}

static void expect_string(const char *text, const char *expected)
{
	json_t *string = json_text_string(text);

	check_str(json_string_value(string), expected);
	json_decref(string);
}

Test(json_text, strings_of_any_bytes)
{
	char much[1000], *cut = much + 511;

	expect_string(NULL, "");
	expect_string("", "");
	expect_string("a\u00e9", "a\u00e9");
	expect_string("\xff/disk\xc3", "?/disk?");
	/* What is no UTF-8 and long is cut. */
	memset(much, 'a', sizeof(much));
	much[0] = '\xff';
	much[sizeof(much) - 1] = '\0';
	{
		json_t *string = json_text_string(much);

		*cut = '\0';
		much[0] = '?';
		check_str(json_string_value(string), much);
		json_decref(string);
	}
}
