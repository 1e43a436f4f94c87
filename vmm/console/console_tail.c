// SPDX-License-Identifier: Apache-2.0
/* Keeps bytes in a ring, and makes lines of them. */
#include "vmm/console/console_tail.h"

#include <string.h>

void console_tail_add(struct console_tail *tail, const uint8_t *bytes, size_t len)
{
	uint32_t kept = len < CONSOLE_TAIL_SIZE ? (uint32_t)len : CONSOLE_TAIL_SIZE, room;

	pthread_mutex_lock(&tail->lock);
	room = CONSOLE_TAIL_SIZE - ring_count(&tail->ring);
	if (kept > room)
		ring_drop(&tail->ring, kept - room);
	ring_put(&tail->ring, tail->bytes, CONSOLE_TAIL_SIZE, bytes + len - kept, kept);
	pthread_mutex_unlock(&tail->lock);
}

static char printable(uint8_t byte)
{
	if (byte == '\n' || (byte >= ' ' && byte <= '~'))
		return (char)byte;
	return byte == '\t' ? ' ' : '?';
}

/* The start of the last lines of @text. */
static const char *last_lines(const char *text, size_t len)
{
	unsigned lines = 0;

	for (size_t i = len; i > 0; i--)
		if (text[i - 1] == '\n' && lines++ == CONSOLE_TAIL_LINES)
			return text + i;
	return text;
}

void console_tail_text(struct console_tail *tail, char text[static CONSOLE_TAIL_SIZE + 2])
{
	const char *begin;
	struct ring ring;
	size_t len = 0;
	uint8_t byte;

	pthread_mutex_lock(&tail->lock);
	ring = tail->ring;
	while (ring_take(&ring, tail->bytes, CONSOLE_TAIL_SIZE, &byte, 1))
		if (byte != '\r')
			text[len++] = printable(byte);
	pthread_mutex_unlock(&tail->lock);
	if (len && text[len - 1] != '\n')
		text[len++] = '\n';
	begin = last_lines(text, len);
	len -= (size_t)(begin - text);
	memmove(text, begin, len);
	text[len] = '\0';
}
