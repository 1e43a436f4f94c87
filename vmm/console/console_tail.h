/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the guest's console output, for reports of why it ended. */
#pragma once

#include "vmm/base/ring.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_TAIL_SIZE 2048
#define CONSOLE_TAIL_LINES 20

struct console_tail {
	uint8_t bytes[CONSOLE_TAIL_SIZE];
	struct ring ring; /* in @bytes */
	pthread_mutex_t lock;
};

/* From any thread. A zeroed tail is an empty one. */
void console_tail_add(struct console_tail *tail, const uint8_t *bytes, size_t len);

/*
 * The last CONSOLE_TAIL_LINES lines, or as many as are kept, each with a newline at its end. The
 * guest chose the bytes, and others will print them, so only printable ASCII is left: tabs become a
 * space, carriage returns are removed, and all others become '?'.
 */
void console_tail_text(struct console_tail *tail, char text[static CONSOLE_TAIL_SIZE + 2]);
