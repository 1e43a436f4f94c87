// SPDX-License-Identifier: Apache-2.0
/* Texts and numbers in a line, and what has no room in it. */
#include "vmm/base/line.h"

#include "tests/support/check.h"

TestSuite(line, .timeout = 10);

static char text[64];
static struct line line;

static void begin_line(size_t size)
{
	memset(text, '#', sizeof(text));
	line = (struct line){ .text = text, .size = size };
}

static void check_line(const char *want)
{
	check_eq(line.len, strlen(want));
	cr_assert_eq(memcmp(text, want, line.len), 0, "'%.*s'", (int)line.len, text);
	check_eq(text[line.len], '#');
}

Test(line, texts_and_numbers)
{
	begin_line(sizeof(text));
	line_append(&line, "a");
	line_append_bytes(&line, "bcd", 2);
	line_append_number(&line, 0, 1);
	line_append_number(&line, 42, 1);
	line_append_number(&line, 7, 4);
	line_append_number(&line, 12345, 4);
	line_append_number(&line, UINT64_MAX, 20);
	check_line("abc042000712345"
		   "18446744073709551615");
}

Test(line, no_room)
{
	begin_line(5);
	line_append(&line, "abc");
	line_append_number(&line, 123, 1);
	check_line("abc12");
	line_append(&line, "d");
	check_line("abc12");
}
