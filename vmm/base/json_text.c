// SPDX-License-Identifier: Apache-2.0
/* Converts between text and JSON values, with jansson. */
#include "vmm/base/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void json_text_init(void)
{
	json_object_seed(0);
}

int json_text_parse(const char *text, size_t len, json_t **ret_value, struct error *err)
{
	json_error_t error;
	json_t *value = json_loadb(
		text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (!value)
		return error_set(err, EINVAL, "JSON parse error, %s", error.text);
	*ret_value = value;
	return 0;
}

static int print_some(const char *bytes, size_t len, void *out)
{
	return buffer_append(out, bytes, len) < 0 ? -1 : 0;
}

int json_text_print(const json_t *value, struct buffer *out)
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

bool json_text_keyval(const char *key, const json_t *value, char digits[JSON_TEXT_DIGITS],
		      struct keyval *ret_kv)
{
	*ret_kv = (struct keyval){ .key = key, .value = json_string_value(value) };
	if (json_is_integer(value)) {
		ret_kv->type = KEYVAL_NUMBER;
		ret_kv->number = json_integer_value(value);
		snprintf(digits, JSON_TEXT_DIGITS, "%" PRId64, ret_kv->number);
		ret_kv->value = digits;
	} else if (json_is_boolean(value)) {
		ret_kv->type = KEYVAL_SWITCH;
		ret_kv->number = json_is_true(value);
		ret_kv->value = ret_kv->number ? "on" : "off";
	}
	return ret_kv->value;
}

json_t *json_text_string(const char *text)
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
