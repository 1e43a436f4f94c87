// SPDX-License-Identifier: Apache-2.0
/* A growing run of bytes. */
#include "vmm/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_CAPACITY 4096

/* Room for @len more bytes and a final NUL. */
static int reserve(struct buffer *buffer, size_t len)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	char *data;

	if (buffer->limit && len > buffer->limit - buffer->len)
		return -ENOSPC;
	while (capacity - buffer->len <= len)
		capacity *= 2;
	if (capacity == buffer->capacity)
		return 0;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
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
	if (buffer->capacity > KEPT_CAPACITY) {
		free(buffer->data);
		buffer->data = NULL;
		buffer->capacity = 0;
	}
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ .limit = buffer->limit };
}
