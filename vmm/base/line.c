// SPDX-License-Identifier: Apache-2.0
/* Appends to a line. */
#include "vmm/base/line.h"

#include <string.h>

void line_append_bytes(struct line *line, const char *bytes, size_t len)
{
	size_t room = line->size - line->len;

	len = len < room ? len : room;
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

void line_append(struct line *line, const char *text)
{
	line_append_bytes(line, text, strlen(text));
}

void line_append_number(struct line *line, uint64_t number, unsigned digits)
{
	char text[20]; /* of the largest number */
	size_t at = sizeof(text);

	while (number || sizeof(text) - at < digits) {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	}
	line_append_bytes(line, text + at, sizeof(text) - at);
}
