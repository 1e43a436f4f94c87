/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of input, edited as on a shell: arrows, Home, End, Backspace, Delete, Ctrl-A, -E, -B,
 * -F, -K, -U, -W, -C, -L, and a history by up and down (or Ctrl-P, -N). Bytes in, echo out; it
 * knows no terminal.
 */
#ifndef MVMM_VMM_HMP_LINE_H
#define MVMM_VMM_HMP_LINE_H

#include "vmm/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define HMP_LINE_MAX 1023
#define HMP_LINE_HISTORY 32

struct hmp_line {
	const char *prompt; /* borrowed */
	bool echo; /* there is a person at a terminal; otherwise bytes are taken as they are */
	char text[HMP_LINE_MAX + 1];
	size_t len, cursor;
	bool overlong;			 /* more was typed than text holds */
	int escape;			 /* how far into an escape sequence */
	char argument;			 /* its digit */
	char *history[HMP_LINE_HISTORY]; /* owned; oldest first */
	unsigned n_history;
	unsigned shown; /* n_history: the line itself */
};

void hmp_line_init(struct hmp_line *line, const char *prompt, bool echo);
void hmp_line_fini(struct hmp_line *line);

/*
 * Takes one byte and adds what a terminal is to show to @out. True if it ended the line: then text
 * has it, as a string, until hmp_line_begin.
 */
bool hmp_line_key(struct hmp_line *line, char key, struct buffer *out);

/* Starts an empty line, after the prompt. */
void hmp_line_begin(struct hmp_line *line, struct buffer *out);

#endif
