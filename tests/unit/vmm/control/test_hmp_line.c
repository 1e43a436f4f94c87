// SPDX-License-Identifier: Apache-2.0
/* Line editing: keys in, line out, and what the terminal is told. */
#include "vmm/control/hmp.h"
#include "vmm/control/hmp_line.h"

#include "tests/support/check.h"

#include <stdio.h>

TestSuite(hmp_line, .timeout = 10);

static struct hmp_line line;
static struct buffer out;

static void setup(void)
{
	hmp_line_init(&line, "> ", true);
	hmp_line_begin(&line, &out);
}

/* The line that @keys end, or what there is of it. */
static const char *type_keys(const char *keys)
{
	static char text[HMP_LINE_MAX + 1];
	bool ended = false;

	for (; *keys; keys++) {
		cr_assert(!ended);
		ended = hmp_line_key(&line, *keys, &out);
	}
	snprintf(text, sizeof(text), "%.*s", (int)line.len, line.text);
	if (ended)
		hmp_line_begin(&line, &out);
	return text;
}

Test(hmp_line, keys, .init = setup)
{
	static const struct {
		const char *keys, *text;
	} cases[] = {
		{ "hello\r", "hello" },
		{ "hello\n", "hello" },
		{ "helloo\b\r", "hello" },
		{ "helloo\177\r", "hello" },
		{ "\b\177\r", "" },
		{ "ello\001h\r", "hello" },
		{ "ello\033[Hh\005!\r", "hello!" },
		{ "ello\033OHh\033OF!\r", "hello!" },
		{ "ello\033[1~h\033[4~!\r", "hello!" },
		{ "ello\033[7~h\033[8~!\r", "hello!" },
		{ "helo\033[Dl\r", "hello" },
		{ "helo\002l\006!\r", "hello!" },
		{ "ab\033[D\033[D\033[D\033[Dx\033[C\033[C\033[C\033[Cy\r", "xaby" },
		{ "hxello\001\033[C\033[3~\r", "hello" },
		{ "hxello\001\006\004\r", "hello" },
		{ "hello\004\033[3~\r", "hello" },
		{ "rubbish\025hello\r", "hello" },
		{ "abc\002\025x\r", "xc" },
		{ "hello there  \027you\r", "hello you" },
		{ "\027\r", "" },
		{ "hello there\001\006\006\006\006\006\013\r", "hello" },
		{ "rubbish\003hello\r", "hello" },
		{ "hel\014lo\r", "hello" },
		{ "a\t\007\032b\r", "ab" },
		/* Unknown and half sequences are taken whole. */
		{ "a\033[5~b\033[1;5Cc\033xd\033[15~e\r", "abcde" },
		/* Characters of two and four bytes. */
		{ "\xc3\xa9\xc3\xa8\b\r", "\xc3\xa9" },
		{ "\xf0\x9f\x98\x80x\033[D\033[D\033[3~\r", "x" },
		{ "\xc3\xa9\xc3\xa8\002\002a\006b\r", "a\xc3\xa9"
						      "b\xc3\xa8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_str(type_keys(cases[i].keys), cases[i].text);
}

Test(hmp_line, echo, .init = setup)
{
	check_str(buffer_text(&out), "> ");
	type_keys("ab");
	check_str(buffer_text(&out), "> \r> a\033[K\r> ab\033[K");
	buffer_reset(&out);
	type_keys("\033[D");
	check_str(buffer_text(&out), "\r> ab\033[K\r> ab\033[K\r> ab\033[K\033[1D");
	buffer_reset(&out);
	type_keys("\xc3\xa9");
	check_contains(buffer_text(&out), "\r> a\xc3\xa9"
					  "b\033[K\033[1D");
	buffer_reset(&out);
	type_keys("\001");
	check_str(buffer_text(&out), "\r> a\xc3\xa9"
				     "b\033[K\033[3D");
	buffer_reset(&out);
	type_keys("\r");
	check_str(buffer_text(&out), "\r\n> ");
}

Test(hmp_line, history, .init = setup)
{
	type_keys("one\r");
	type_keys("two\r");
	type_keys("two\r");
	type_keys("\r");
	check_str(type_keys("\033[A"), "two");
	check_str(type_keys("\033[A"), "one");
	check_str(type_keys("\020"), "one");
	check_str(type_keys("!"), "one!");
	check_str(type_keys("\033[B"), "two");
	check_str(type_keys("\016"), "");
	check_str(type_keys("\033[B"), "");
	check_str(type_keys("\033[A\033[A\r"), "one");
	check_str(type_keys("\033[A"), "one");
	check_str(type_keys("\033OA"), "two");
}

Test(hmp_line, history_is_bounded, .init = setup)
{
	char text[16];

	for (unsigned i = 0; i < 3 * HMP_LINE_HISTORY; i++) {
		snprintf(text, sizeof(text), "%u\r", i);
		type_keys(text);
	}
	check_eq(line.n_history, HMP_LINE_HISTORY);
	for (unsigned i = 0; i < 2 * HMP_LINE_HISTORY; i++)
		type_keys("\033[A");
	snprintf(text, sizeof(text), "%u", 2 * HMP_LINE_HISTORY);
	check_str(type_keys(""), text);
	hmp_line_fini(&line);
	hmp_line_fini(&line);
}

Test(hmp_line, overlong, .init = setup)
{
	for (unsigned i = 0; i < 2 * HMP_LINE_MAX; i++)
		hmp_line_key(&line, 'a', &out);
	check_eq(line.len, HMP_LINE_MAX);
	check_eq(line.overlong, true);
	/* It can still be ended, and the next is fine. */
	check_eq(strlen(type_keys("\r")), HMP_LINE_MAX);
	check_eq(line.overlong, false);
	check_str(type_keys("b\r"), "b");
	/* From the history it comes back whole. */
	check_eq(strlen(type_keys("\033[A\033[A")), HMP_LINE_MAX);
}

/* A script's line is what it sent, without its carriage return. */
Test(hmp_line, without_terminal)
{
	hmp_line_init(&line, "> ", false);
	hmp_line_begin(&line, &out);
	check_str(type_keys("a\001\033[D\177b\r\n"), "a\001\033[D\177b");
	check_str(buffer_text(&out), "> > ");
	check_eq(line.n_history, 0);
	check_eq(hmp_line_key(&line, '\0', &out), false);
	check_str(type_keys("x\n"), "x");
}

Test(hmp_line, tab_completes, .init = setup)
{
	static const struct {
		const char *keys, *text;
	} cases[] = {
		{ "sto\t", "stop " },
		{ "c\t\r", "cont " },
		{ "qu\tx\r", "quit x" },
		{ "sys\t", "system_" },
		{ "system_p\t", "system_powerdown " },
		{ "dev\t", "device_" },
		{ "inf\tsta\t", "info status " },
		{ "info   sta\t", "info   status " },
		{ "help sto\t", "help stop " },
		/* In the middle of a line the word before the cursor counts. */
		{ "sto now\002\002\002\002\t\r", "stop  now" },
		/* Nothing, and a word that is no name of ours. */
		{ "nonsense\t", "nonsense" },
		{ "stop a\t", "stop a" },
		{ "info status a\t", "info status a" },
		{ "\t", "" },
	};

	line.match = hmp_match;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_str(type_keys(cases[i].keys), cases[i].text);
		hmp_line_begin(&line, &out);
	}
	line.match = NULL;
	check_str(type_keys("sto\t"), "sto");
}

Test(hmp_line, tab_shows_what_is_possible, .init = setup)
{
	line.match = hmp_match;
	type_keys("system_\t");
	check_contains(buffer_text(&out), "\r\nsystem_powerdown system_reset\r\n");
	check_contains(buffer_text(&out), "> system_\033[K");
	hmp_line_begin(&line, &out);
	type_keys("\t");
	check_contains(buffer_text(&out), "\r\ncont device_add ");
}

/* A line that is full takes no more, whatever would complete it. */
Test(hmp_line, tab_at_the_end_of_the_line, .init = setup)
{
	line.match = hmp_match;
	for (unsigned i = 0; i < HMP_LINE_MAX - 2; i++)
		hmp_line_key(&line, i < 4 ? "info"[i] : ' ', &out);
	check_str(type_keys("st\t") + HMP_LINE_MAX - 2, "st");
	check_eq(line.len, HMP_LINE_MAX);
}
