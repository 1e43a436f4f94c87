// SPDX-License-Identifier: Apache-2.0
/* Strings and numbers. Start reading at text_format. */
#include "text.h"

void *memcpy(void *to, const void *from, size_t len)
{
	void *end = to;

	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(len) : : "memory");
	return to;
}

/* Words first: where KVM interprets, each round of rep costs the same, whatever its width. */
void *memset(void *to, int byte, size_t len)
{
	uint64_t word = (uint8_t)byte * 0x0101010101010101;
	size_t words = len / 8, rest = len % 8;
	void *end = to;

	__asm__ volatile("rep stosq" : "+D"(end), "+c"(words) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(end), "+c"(rest) : "a"(word) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Writes the digits backwards from @end and returns where they begin. */
static const char *digits(char *end, uint64_t value, unsigned base)
{
	*end = '\0';
	do {
		*--end = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	return end;
}

/* One conversion: the text for @kind, in @scratch where it must be made. */
static const char *convert(char kind, bool is_long, va_list *args, char scratch[24])
{
	uint64_t value;

	if (kind == 's')
		return va_arg(*args, const char *);
	if (kind == 'c') {
		scratch[0] = (char)va_arg(*args, int);
		scratch[1] = '\0';
		return scratch;
	}
	if (kind == 'd') {
		int64_t number = is_long ? va_arg(*args, int64_t) : va_arg(*args, int);
		char *text;

		if (number >= 0)
			return digits(scratch + 23, (uint64_t)number, 10);
		text = scratch + (digits(scratch + 23, -(uint64_t)number, 10) - scratch);
		*--text = '-';
		return text;
	}
	value = is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
	return digits(scratch + 23, value, kind == 'x' ? 16 : 10);
}

size_t text_format(char *buf, size_t size, const char *fmt, va_list args)
{
	size_t len = 0;
	va_list rest;

	va_copy(rest, args);
	for (; *fmt; fmt++) {
		char scratch[24] = { *fmt };
		const char *text = scratch;

		if (*fmt == '%') {
			bool is_long = *++fmt == 'l';

			text = convert(is_long ? *++fmt : *fmt, is_long, &rest, scratch);
		}
		for (; *text && len + 1 < size; text++)
			buf[len++] = *text;
	}
	va_end(rest);
	buf[len] = '\0';
	return len;
}

uint64_t text_number(const char *text)
{
	unsigned base = 10;
	uint64_t value = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	for (;; text++) {
		unsigned digit =
			*text >= 'a' ? (unsigned)(*text - 'a' + 10) : (unsigned)(*text - '0');

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	switch (*text) {
	case 'G':
		return value << 30;
	case 'M':
		return value << 20;
	case 'K':
		return value << 10;
	default:
		return value;
	}
}
