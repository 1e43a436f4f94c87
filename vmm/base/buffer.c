// SPDX-License-Identifier: Apache-2.0
/* A growing run of bytes. */
#include "vmm/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What @capacity bytes cost of a budget. */
static size_t cost(size_t capacity)
{
	return capacity > BUFFER_SMALL ? capacity : 0;
}

/* What all buffers of the budget cost once @buffer has @capacity. */
static size_t cost_with(const struct buffer *buffer, size_t capacity)
{
	return buffer->budget->spent - cost(buffer->capacity) + cost(capacity);
}

static bool can_afford(const struct buffer *buffer, size_t capacity)
{
	const struct buffer_budget *budget = buffer->budget;

	return !budget || !budget->limit || capacity <= BUFFER_SMALL ||
	       cost_with(buffer, capacity) <= budget->limit;
}

static void set_memory(struct buffer *buffer, char *data, size_t capacity)
{
	if (buffer->budget)
		buffer->budget->spent = cost_with(buffer, capacity);
	buffer->data = data;
	buffer->capacity = capacity;
}

/* Makes room for @len more bytes and a final NUL. */
static int reserve(struct buffer *buffer, size_t len)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	char *data;

	if (buffer->limit && len > buffer->limit - buffer->len)
		return -ENOSPC;
	while (capacity - buffer->len <= len)
		capacity *= 2;
	/* The limit, and the NUL. */
	if (buffer->limit && capacity > buffer->limit)
		capacity = buffer->limit + 1;
	if (capacity == buffer->capacity)
		return 0;
	if (!can_afford(buffer, capacity))
		return -EDQUOT;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	set_memory(buffer, data, capacity);
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	int ret = reserve(buffer, len);

	if (ret == 0 && len) {
		memcpy(buffer->data + buffer->len, data, len);
		buffer->len += len;
	}
	return ret;
}

int buffer_printf(struct buffer *buffer, const char *fmt, ...)
{
	va_list args;
	int len, ret;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	ret = reserve(buffer, (size_t)len);
	if (ret < 0)
		return ret;
	va_start(args, fmt);
	vsnprintf(buffer->data + buffer->len, (size_t)len + 1, fmt, args);
	va_end(args);
	buffer->len += (size_t)len;
	return 0;
}

int buffer_append_crlf(struct buffer *buffer, const char *data, size_t len)
{
	size_t lines = 0;
	int ret;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	ret = reserve(buffer, len + lines);
	for (size_t i = 0; i < len && ret == 0; i++) {
		if (data[i] == '\n')
			buffer->data[buffer->len++] = '\r';
		buffer->data[buffer->len++] = data[i];
	}
	return ret;
}

const char *buffer_text(struct buffer *buffer)
{
	if (!buffer->len)
		return "";
	/* reserve() always leaves room for this. */
	buffer->data[buffer->len] = '\0';
	return buffer->data;
}

void buffer_reset(struct buffer *buffer)
{
	buffer->len = 0;
	if (buffer->capacity > BUFFER_SMALL)
		buffer_fini(buffer);
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	set_memory(buffer, NULL, 0);
	buffer->len = 0;
}
