// SPDX-License-Identifier: Apache-2.0
/* Keeps bytes in a ring, and makes lines of them. */
#include "vmm/console/console_tail.h"

#include <string.h>

_Static_assert((CONSOLE_TAIL_SIZE & (CONSOLE_TAIL_SIZE - 1)) == 0, "or the ring jumps as it wraps");

void console_tail_add(struct console_tail *tail, const uint8_t *bytes, size_t len)
{
	size_t skipped = len > CONSOLE_TAIL_SIZE ? len - CONSOLE_TAIL_SIZE : 0;

	pthread_mutex_lock(&tail->lock);
	tail->count += skipped;
	for (size_t i = skipped; i < len; i++)
		tail->bytes[tail->count++ % CONSOLE_TAIL_SIZE] = bytes[i];
	pthread_mutex_unlock(&tail->lock);
}

static char printable(uint8_t byte)
{
	if (byte == '\n' || (byte >= ' ' && byte <= '~'))
		return (char)byte;
	return byte == '\t' ? ' ' : '?';
}

/* Where the last lines of @text begin. */
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
	uint64_t first;
	size_t len = 0;

	pthread_mutex_lock(&tail->lock);
	first = tail->count > CONSOLE_TAIL_SIZE ? tail->count - CONSOLE_TAIL_SIZE : 0;
	for (uint64_t i = first; i < tail->count; i++) {
		uint8_t byte = tail->bytes[i % CONSOLE_TAIL_SIZE];

		if (byte != '\r')
			text[len++] = printable(byte);
	}
	pthread_mutex_unlock(&tail->lock);
	if (len && text[len - 1] != '\n')
		text[len++] = '\n';
	begin = last_lines(text, len);
	len -= (size_t)(begin - text);
	memmove(text, begin, len);
	text[len] = '\0';
}
