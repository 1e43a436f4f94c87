/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of input, edited as in a shell: arrows, Home, End, Backspace, Delete, Ctrl-A, -E, -B,
 * -F, -K, -U, -W, -C, -L, and a history with up and down (or Ctrl-P, -N). It turns bytes into an
 * echo, without knowledge of terminals.
 */
#pragma once

#include "vmm/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define HMP_LINE_MAX 1023
#define HMP_LINE_HISTORY 32

struct hmp_line {
	const char *prompt; /* borrowed */
	/* For Tab: the @n-th word that can complete the first @len bytes of @text, or NULL. The
	 * word ends at a '|'. May be NULL. */
	const char *(*match)(const char *text, size_t len, unsigned n);
	bool echo; /* a person types at a terminal; otherwise bytes are taken unchanged */
	char text[HMP_LINE_MAX + 1];
	size_t len, cursor;
	bool overlong;			 /* more was typed than fits into text */
	int escape;			 /* position in an escape sequence */
	char argument;			 /* its digit */
	char *history[HMP_LINE_HISTORY]; /* owned; oldest first */
	unsigned n_history;
	unsigned shown; /* index in history, or n_history: the line itself */
};

void hmp_line_init(struct hmp_line *line, const char *prompt, bool echo);
void hmp_line_fini(struct hmp_line *line);

/* Remove the line from a terminal, and show it again. Without echo they do nothing. */
void hmp_line_hide(const struct hmp_line *line, struct buffer *out);
void hmp_line_show(const struct hmp_line *line, struct buffer *out);

/*
 * Processes one byte and adds the terminal's echo to @out. True if the byte ended the line: text
 * then has the line, as a string, until hmp_line_begin.
 */
bool hmp_line_key(struct hmp_line *line, char key, struct buffer *out);

/* Begins an empty line after a prompt. */
void hmp_line_begin(struct hmp_line *line, struct buffer *out);
