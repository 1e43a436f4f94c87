/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as one JSON object in one line, for --log-format json. Safe in a signal handler and
 * under the sandbox: gmtime(3) may read files, snprintf(3) may allocate, and neither is used.
 */
#pragma once

#include <stddef.h>
#include <time.h>

/* Enough for a text of 1023 bytes, all of which are escaped, and a name of 64. */
#define LOG_JSON_SIZE 2400

/*
 * Fills @to, of LOG_JSON_SIZE, with a line that ends with a newline, and returns its length.
 * @name may be NULL. Control characters and what is not UTF-8 become '?'.
 */
size_t log_json_line(char *to, const struct timespec *time, const char *level, const char *name,
		     const char *text);
