/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options: sizes, numbers, switches, and lists of the form file=disk.img,size=64M, where
 * two commas stand for one within a value.
 */
#ifndef MVMM_VMM_KEYVAL_H
#define MVMM_VMM_KEYVAL_H

#include "vmm/error.h"

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
 * A number with an optional suffix K, M, G or T (powers of 1024); without one it is in @unit bytes.
 * -EINVAL if it is not that, -ERANGE if it exceeds 64 bits; then *@ret_size is unchanged.
 */
int keyval_size(const char *text, uint64_t unit, uint64_t *ret_size);

/* A decimal number. -EINVAL or -ERANGE, as above. */
int keyval_number(const char *text, uint64_t *ret_number);

/* "on" or "off". -EINVAL otherwise. */
int keyval_switch(const char *text, bool *ret_on);

#endif
