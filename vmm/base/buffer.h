/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer of bytes that grows up to a limit. For the control plane: the data path allocates
 * nothing. */
#pragma once

#include <stddef.h>

/* A buffer of up to so many bytes spends nothing of its budget. */
#define BUFFER_SMALL 4096

/* The memory of several buffers together. */
struct buffer_budget {
	size_t spent;
	size_t limit; /* 0: none */
};

struct buffer {
	char *data; /* owned */
	size_t len;
	size_t capacity;
	size_t limit;		      /* 0: none */
	struct buffer_budget *budget; /* borrowed, or NULL */
};

/*
 * Adds all of @data or, with -ENOSPC (the limit), -EDQUOT (the budget) or -ENOMEM, nothing.
 */
int buffer_append(struct buffer *buffer, const void *data, size_t len);

/* Formats at the end; errors as above. */
int buffer_printf(struct buffer *buffer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds @data with "\r\n" for each "\n". */
int buffer_append_crlf(struct buffer *buffer, const char *data, size_t len);

/* The contents as a string, valid until the next change; "" if it is empty. */
const char *buffer_text(struct buffer *buffer);

/* Empties it, and frees the memory if it is more than BUFFER_SMALL. */
void buffer_reset(struct buffer *buffer);

/* Takes a zeroed one, and leaves it zeroed but for the limit and the budget. */
void buffer_fini(struct buffer *buffer);
