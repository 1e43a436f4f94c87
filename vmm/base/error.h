/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, in one line for a person. Functions that can fail for a reason that the user can
 * mend take a struct error as their last argument; the caller at the top prints it once.
 */
#ifndef MVMM_VMM_ERROR_H
#define MVMM_VMM_ERROR_H

#include <stdbool.h>

struct error {
	char text[512];
	bool usage; /* told by error_blame_option, for who gives mvmm its exit status */
};

/*
 * @ret, 0 or -errno, comes of what an option says or names: then the user is to blame for it and
 * not the host, unless it is that which lacks memory or descriptors. Returns @ret.
 */
int error_blame_option(struct error *err, int ret);

/*
 * Formats the line into @err and returns -@code, so that a caller can `return error_set(...)`.
 * @code is a positive errno. The text names the thing, the value and the way out; it has no final
 * newline, and one that is too long is cut. @err may be NULL: then only the code is returned.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* It cannot look into another file, nor negate what it does not know: what comes back is never 0.
 */
#define error_set(err, code, ...)                                                                  \
	(error_set(err, code, __VA_ARGS__), __builtin_constant_p(code) ? -(code) : -1)
#endif

#endif
