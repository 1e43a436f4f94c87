/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options: sizes, numbers, switches, and lists of the form file=disk.img,size=64M, where
 * two commas stand for one within a value.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum keyval_type { KEYVAL_TEXT, KEYVAL_NUMBER, KEYVAL_SWITCH };

/* JSON's numbers and booleans have a type, which counts; then the text is for messages. */
struct keyval {
	const char *key;
	const char *value;
	enum keyval_type type;
	int64_t number; /* of KEYVAL_NUMBER; of KEYVAL_SWITCH 1 if it is on */
};

/*
 * By QEMU's rules, for options that come from QEMU, an item without '=' is a switch that is on, and
 * a key may be given again.
 */
enum keyval_rules { KEYVAL_STRICT, KEYVAL_QEMU };

/*
 * Splits @text in place; the list points into it. A first item without '=' is the value of
 * @implied_key, unless that is NULL. Returns how many there are, or -EINVAL with @err set
 * (beginning with @option) for an item without a value, a key given twice, or more than @max items.
 */
int keyval_parse(char *text, enum keyval_rules rules, const char *option, const char *implied_key,
		 struct keyval *list, unsigned max, struct error *err);

/*
 * Appends an item to the @n that @list has, and returns the new number. @again: a key may be given
 * again. For callers that have no text to split.
 */
int keyval_add(const struct keyval *kv, bool again, const char *option, struct keyval *list,
	       unsigned n, unsigned max, struct error *err);

/* The last value of @key, or NULL. If a key may be given again, the last value counts. */
const char *keyval_find(const struct keyval *list, unsigned n, const char *key);

/*
 * A number with an optional suffix K, M, G or T (powers of 1024); without one, a number of @unit
 * bytes. -EINVAL if it is not that, -ERANGE if it exceeds 64 bits; then *@ret_size is unchanged.
 */
int keyval_size(const char *text, uint64_t unit, uint64_t *ret_size);

/* A decimal number. -EINVAL or -ERANGE, as above. */
int keyval_number(const char *text, uint64_t *ret_number);

/* The same of a value of any type. */
int keyval_read_number(const struct keyval *kv, uint64_t *ret_number);

/* A hexadecimal number after 0x, otherwise a size in bytes as above. -EINVAL or -ERANGE. */
int keyval_address(const char *text, uint64_t *ret_address);

/* "on" or "off". -EINVAL otherwise. */
int keyval_switch(const char *text, bool *ret_on);
