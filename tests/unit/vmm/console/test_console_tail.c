// SPDX-License-Identifier: Apache-2.0
/* What is kept of a console, whatever a guest writes to it. */
#include "tests/support/check.h"
#include "vmm/console/console_tail.h"

#include <stdio.h>
#include <string.h>

static struct console_tail tail;
static char text[CONSOLE_TAIL_SIZE + 2];

static const char *add_to_tail(const char *bytes, size_t len)
{
	console_tail_add(&tail, (const uint8_t *)bytes, len);
	console_tail_text(&tail, text);
	return text;
}

Test(console_tail, lines_come_back)
{
	cr_assert_str_eq(add_to_tail("", 0), "");
	cr_assert_str_eq(add_to_tail("one\r\ntwo\r\n", 10), "one\ntwo\n");
	cr_assert_str_eq(add_to_tail("\nlast", 5), "one\ntwo\n\nlast\n");
}

/*
 * bad input: Console: a guest whose last lines have control sequences and bytes that are not text
 * -> messages that quote these lines show '?' instead
 */
Test(console_tail, bytes_that_a_terminal_would_obey_are_gone)
{
	cr_assert_str_eq(add_to_tail("a\tb\033[2J\0\377\x7f~", 11), "a b?[2J???~\n");
}

Test(console_tail, only_the_last_lines)
{
	char line[16];

	for (unsigned i = 0; i < 50; i++)
		add_to_tail(line, (size_t)snprintf(line, sizeof(line), "line %u\n", i));
	check_eq(strncmp(text, "line 30\n", 8), 0, "%s", text);
	check_eq(strcmp(text + strlen(text) - 8, "line 49\n"), 0);
	add_to_tail("end", 3);
	check_eq(strncmp(text, "line 31\n", 8), 0, "%s", text);
}

Test(console_tail, one_line_that_is_longer_than_the_ring)
{
	static char much[3 * CONSOLE_TAIL_SIZE];

	memset(much, 'a', 2 * CONSOLE_TAIL_SIZE);
	memset(much + 2 * CONSOLE_TAIL_SIZE, 'b', CONSOLE_TAIL_SIZE);
	for (size_t i = 0; i < sizeof(much); i++)
		add_to_tail(much + i, 1);
	add_to_tail(much, sizeof(much));
	check_eq(strlen(text), CONSOLE_TAIL_SIZE + 1);
	check_eq(strspn(text, "b"), CONSOLE_TAIL_SIZE);
}
