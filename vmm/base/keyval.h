/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options: sizes, numbers, switches, and lists of the form file=disk.img,size=64M, where
 * two commas stand for one within a value.
 */
#ifndef MVMM_VMM_KEYVAL_H
#define MVMM_VMM_KEYVAL_H

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct keyval {
	const char *key;
	const char *value;
};

/*
 * Splits @text in place; the list points into it. A first item without '=' is the value of
 * @implied_key. Returns how many there are, or -EINVAL with @err set (beginning with @option) for
 * an item without a value, a key given twice, or more than @max items.
 */
int keyval_parse(char *text, const char *option, const char *implied_key, struct keyval *list,
		 unsigned max, struct error *err);

/*
 * The same by QEMU's rules, for options that come from there: an item without '=', but for a first
 * one with an @implied_key (or NULL), is a switch that is on, and a key may be given again.
 */
int keyval_parse_qemu(char *text, const char *option, const char *implied_key, struct keyval *list,
		      unsigned max, struct error *err);

/* The last value of @key, or NULL: where a key may be given again, the last one counts. */
const char *keyval_find(const struct keyval *list, unsigned n, const char *key);

/*
 * A number with an optional suffix K, M, G or T (powers of 1024); without one it is in @unit bytes.
 * -EINVAL if it is not that, -ERANGE if it exceeds 64 bits; then *@ret_size is unchanged.
 */
int keyval_size(const char *text, uint64_t unit, uint64_t *ret_size);

/* A decimal number. -EINVAL or -ERANGE, as above. */
int keyval_number(const char *text, uint64_t *ret_number);

/* A number that is hexadecimal after 0x, else a size as above in bytes. -EINVAL or -ERANGE. */
int keyval_address(const char *text, uint64_t *ret_address);

/* "on" or "off". -EINVAL otherwise. */
int keyval_switch(const char *text, bool *ret_on);

#endif
