/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and numbers: what a C library would have. Start reading at text_format. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);
bool text_equal(const char *a, const char *b);

/*
 * Formats into @size bytes at @buf, cutting what is too long, always ending with a NUL. Knows %s,
 * %c, %d, %u, %x, %ld, %lu and %lx, without widths. Returns the length.
 */
size_t text_format(char *buf, size_t size, const char *fmt, va_list args);

/* Reads a number, decimal or 0x, with K, M or G behind it, up to the end of the word at @text. */
uint64_t text_number(const char *text);
