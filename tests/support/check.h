/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: Criterion, and a comparison that shows both values. */
#pragma once

#include "vmm/base/array.h"

#include <criterion/criterion.h>
#include <string.h>

/* Integers of any type; @... is printf text that says which case it was. */
#define check_eq(actual, expected, ...)                                                            \
	do {                                                                                       \
		unsigned long long actual_ = (unsigned long long)(actual);                         \
		unsigned long long expected_ = (unsigned long long)(expected);                     \
                                                                                                   \
		if (actual_ != expected_)                                                          \
			cr_log_error("%s is %lld (0x%llx), expected %lld (0x%llx)", #actual,       \
				     (long long)actual_, actual_, (long long)expected_,            \
				     expected_);                                                   \
		cr_assert(actual_ == expected_, "" __VA_ARGS__);                                   \
	} while (0)

#define check_str(actual, expected)                                                                \
	do {                                                                                       \
		const char *text_ = (actual);                                                      \
                                                                                                   \
		cr_assert_str_eq(text_, expected, "\"%s\" instead of \"%s\"", text_, expected);    \
	} while (0)

#define check_contains(text, part)                                                                 \
	do {                                                                                       \
		const char *text_ = (text);                                                        \
                                                                                                   \
		cr_assert(strstr(text_, part), "\"%s\" does not contain \"%s\"", text_, part);     \
	} while (0)
