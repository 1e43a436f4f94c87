// SPDX-License-Identifier: Apache-2.0
/* Keeps bytes in a ring, and makes lines of them. */
#include "vmm/console_tail.h"

#include <string.h>

_Static_assert((CONSOLE_TAIL_SIZE & (CONSOLE_TAIL_SIZE - 1)) == 0, "or the ring jumps as it wraps");

void console_tail_add(struct console_tail *tail, uint8_t byte)
{
	tail->bytes[tail->count++ % CONSOLE_TAIL_SIZE] = byte;
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

void console_tail_text(const struct console_tail *tail, char text[static CONSOLE_TAIL_SIZE + 2])
{
	uint64_t first = tail->count > CONSOLE_TAIL_SIZE ? tail->count - CONSOLE_TAIL_SIZE : 0;
	const char *begin;
	size_t len = 0;

	for (uint64_t i = first; i < tail->count; i++) {
		uint8_t byte = tail->bytes[i % CONSOLE_TAIL_SIZE];

		if (byte != '\r')
			text[len++] = printable(byte);
	}
	if (len && text[len - 1] != '\n')
		text[len++] = '\n';
	begin = last_lines(text, len);
	len -= (size_t)(begin - text);
	memmove(text, begin, len);
	text[len] = '\0';
}
