/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error as one line for a person. A function that can fail for a reason that the user can
 * correct takes a struct error as its last argument. The caller at the top logs it once.
 */
#pragma once

#include <stdbool.h>

struct error {
	char text[512];
	bool usage; /* set by error_blame_option: the exit status is that of a usage error */
};

/*
 * Marks @err as a usage error if @ret is negative, because an option or what it names is wrong. If
 * the host lacks memory or descriptors, the user is not to blame, and nothing is marked. Returns
 * @ret.
 */
int error_blame_option(struct error *err, int ret);

/*
 * Formats the line into @err and returns -@code, so that a caller can `return error_set(...)`.
 * @code is a positive errno. The text names the thing, the value and the way out. It has no final
 * newline, and a line that is too long is cut. @err may be NULL.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Likewise, with ": " and the system's text for @code behind the line. */
int error_system(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyzer cannot look into another file. This tells it that the result is never 0. */
#define error_set(err, code, ...)                                                                  \
	(error_set(err, code, __VA_ARGS__), __builtin_constant_p(code) ? -(code) : -1)
#define error_system(err, code, ...)                                                               \
	(error_system(err, code, __VA_ARGS__), __builtin_constant_p(code) ? -(code) : -1)
#endif
