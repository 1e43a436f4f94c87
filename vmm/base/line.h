/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of text in memory of a fixed size. Safe in a signal handler and under the sandbox, where
 * snprintf(3) is not. What has no room is left out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* @text has no final NUL. */
struct line {
	char *text;  /* borrowed */
	size_t size; /* bytes at @text */
	size_t len;  /* bytes of the line */
};

void line_append(struct line *line, const char *text);
void line_append_bytes(struct line *line, const char *bytes, size_t len);

/* In decimal, with zeros in front of it up to @digits, of which there are 20 at most. */
void line_append_number(struct line *line, uint64_t number, unsigned digits);
