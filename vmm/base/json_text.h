/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values from text, and text from JSON values. */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/base/error.h"
#include "vmm/base/keyval.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Once, before the sandbox: jansson reads random numbers from a file for its hash tables. */
void json_text_init(void);

/* Parses one value of any type; the caller owns it. -EINVAL with @err set, in jansson's words. */
int json_text_parse(const char *text, size_t len, json_t **ret_value, struct error *err);

/*
 * Appends @value in one line, with "\r\n", in ASCII, without spaces. (QEMU has put spaces behind
 * ':' and ',' in some versions and not in others.)
 */
int json_text_print(const json_t *value, struct buffer *out);

#define JSON_TEXT_DIGITS 24

/*
 * Makes an item of a list from a string, a whole number or a boolean; false for other values. Its
 * text is the string itself, the number in @digits, or "on" or "off".
 */
bool json_text_keyval(const char *key, const json_t *value, char digits[JSON_TEXT_DIGITS],
		      struct keyval *ret_kv);

/* A string of any bytes: what is not UTF-8 becomes '?'. Takes NULL as "". NULL without memory. */
json_t *json_text_string(const char *text);
