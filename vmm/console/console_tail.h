/* SPDX-License-Identifier: Apache-2.0 */
/* The last of what the guest wrote to its console, for whoever asks why it ended. */
#ifndef MVMM_VMM_CONSOLE_TAIL_H
#define MVMM_VMM_CONSOLE_TAIL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* A power of two. */
#define CONSOLE_TAIL_SIZE 2048
#define CONSOLE_TAIL_LINES 20

struct console_tail {
	uint8_t bytes[CONSOLE_TAIL_SIZE]; /* a ring */
	uint64_t count;			  /* of all bytes ever */
	pthread_mutex_t lock;
};

/* From any thread. A zeroed tail is an empty one. */
void console_tail_add(struct console_tail *tail, const uint8_t *bytes, size_t len);

/*
 * The last CONSOLE_TAIL_LINES lines, or as many as are kept, each with a newline behind it. Only
 * printable ASCII is left, since the guest chose the bytes and others will print them: the rest
 * becomes '?', carriage returns nothing and tabs a space.
 */
void console_tail_text(struct console_tail *tail, char text[static CONSOLE_TAIL_SIZE + 2]);

#endif
