/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at the end, up to a limit. For the control plane; the data path allocates
 * nothing. */
#ifndef MVMM_VMM_BUFFER_H
#define MVMM_VMM_BUFFER_H

#include <stddef.h>

struct buffer {
	char *data; /* owned */
	size_t len;
	size_t capacity;
	size_t limit; /* 0: none */
};

/* Adds all of @data or, with -ENOSPC (the limit) or -ENOMEM, nothing. */
int buffer_append(struct buffer *buffer, const void *data, size_t len);

/* Formats at the end; errors as above. */
int buffer_printf(struct buffer *buffer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds @data with "\r\n" for each "\n". */
int buffer_append_crlf(struct buffer *buffer, const char *data, size_t len);

/* What is in it as a string, until the next change; "" if it is empty or memory is out. */
const char *buffer_text(struct buffer *buffer);

/* Empties it, and gives the memory back if it is much. */
void buffer_reset(struct buffer *buffer);

/* Takes a zeroed one, and leaves one. */
void buffer_fini(struct buffer *buffer);

#endif
