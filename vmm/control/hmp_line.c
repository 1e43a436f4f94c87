// SPDX-License-Identifier: Apache-2.0
/* Line editing. Start reading at hmp_line_key. */
#include "vmm/control/hmp_line.h"

#include <stdlib.h>
#include <string.h>

#define CTRL(letter) ((letter) - 'A' + 1)
#define ESCAPE_KEY 0x1b
#define DELETE_KEY 0x7f

void hmp_line_init(struct hmp_line *line, const char *prompt, bool echo)
{
	*line = (struct hmp_line){ .prompt = prompt, .echo = echo };
}

void hmp_line_fini(struct hmp_line *line)
{
	while (line->n_history)
		free(line->history[--line->n_history]);
}

/* Whether the byte is not the first of its UTF-8 character. */
static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void hmp_line_show(const struct hmp_line *line, struct buffer *out)
{
	size_t back = 0;

	if (!line->echo)
		return;
	for (size_t i = line->cursor; i < line->len; i++)
		back += !continues(line->text[i]);
	buffer_printf(out, "\r%s%.*s\033[K", line->prompt, (int)line->len, line->text);
	if (back)
		buffer_printf(out, "\033[%zuD", back);
}

void hmp_line_hide(const struct hmp_line *line, struct buffer *out)
{
	if (line->echo)
		buffer_printf(out, "\r\033[K");
}

void hmp_line_begin(struct hmp_line *line, struct buffer *out)
{
	line->len = 0;
	line->cursor = 0;
	line->overlong = false;
	line->shown = line->n_history;
	buffer_append(out, line->prompt, strlen(line->prompt));
}

static void insert(struct hmp_line *line, char c)
{
	if (line->len == HMP_LINE_MAX) {
		line->overlong = true;
		return;
	}
	memmove(line->text + line->cursor + 1, line->text + line->cursor, line->len - line->cursor);
	line->text[line->cursor++] = c;
	line->len++;
}

static void erase(struct hmp_line *line, size_t from, size_t to)
{
	memmove(line->text + from, line->text + to, line->len - to);
	line->len -= to - from;
	line->cursor = from;
}

static size_t left_of(const struct hmp_line *line, size_t pos)
{
	if (pos)
		pos--;
	while (pos && continues(line->text[pos]))
		pos--;
	return pos;
}

static size_t right_of(const struct hmp_line *line, size_t pos)
{
	if (pos < line->len)
		pos++;
	while (pos < line->len && continues(line->text[pos]))
		pos++;
	return pos;
}

static size_t word_left_of(const struct hmp_line *line, size_t pos)
{
	while (pos && line->text[pos - 1] == ' ')
		pos--;
	while (pos && line->text[pos - 1] != ' ')
		pos--;
	return pos;
}

/* The line that was typed before is lost, as in QEMU. */
static void show_history(struct hmp_line *line, int direction)
{
	if (direction < 0 ? line->shown == 0 : line->shown >= line->n_history)
		return;
	line->shown += (unsigned)direction;
	line->len = 0;
	if (line->shown < line->n_history) {
		line->len = strlen(line->history[line->shown]);
		memcpy(line->text, line->history[line->shown], line->len);
	}
	line->cursor = line->len;
}

static void remember(struct hmp_line *line)
{
	char *copy;

	if (!line->echo || !line->len)
		return;
	if (line->n_history && strcmp(line->history[line->n_history - 1], line->text) == 0)
		return;
	copy = strdup(line->text);
	if (!copy)
		return;
	if (line->n_history == HMP_LINE_HISTORY) {
		free(line->history[0]);
		memmove(line->history, line->history + 1,
			(HMP_LINE_HISTORY - 1) * sizeof(line->history[0]));
		line->n_history--;
	}
	line->history[line->n_history++] = copy;
}

/* Acts on the last byte of an escape sequence: ESC [ A, ESC O H, ESC [ 3 ~. */
static void escaped_key(struct hmp_line *line, char key)
{
	if (key == 'A')
		show_history(line, -1);
	else if (key == 'B')
		show_history(line, 1);
	else if (key == 'C')
		line->cursor = right_of(line, line->cursor);
	else if (key == 'D')
		line->cursor = left_of(line, line->cursor);
	else if (key == 'H' || (key == '~' && strchr("17", line->argument)))
		line->cursor = 0;
	else if (key == 'F' || (key == '~' && strchr("48", line->argument)))
		line->cursor = line->len;
	else if (key == '~' && line->argument == '3')
		erase(line, line->cursor, right_of(line, line->cursor));
}

static void escape_sequence(struct hmp_line *line, char key)
{
	if (line->escape == 1 && (key == '[' || key == 'O')) {
		line->escape = 2;
		line->argument = '-';
	} else if (line->escape == 2 && ((key >= '0' && key <= '9') || key == ';')) {
		line->argument = line->argument == '-' ? key : '+';
	} else {
		if (line->escape == 2)
			escaped_key(line, key);
		line->escape = 0;
	}
}

static size_t word_length(const char *word)
{
	return strcspn(word, "|");
}

/* How many bytes all words that match have in common at their beginnings. */
static size_t common_length(const struct hmp_line *line, const char *first)
{
	size_t common = word_length(first);
	const char *word;

	for (unsigned n = 1; (word = line->match(line->text, line->cursor, n)); n++) {
		size_t i = 0;

		while (i < common && i < word_length(word) && word[i] == first[i])
			i++;
		common = i;
	}
	return common;
}

static void list_matches(const struct hmp_line *line, struct buffer *out)
{
	const char *word;

	for (unsigned n = 0; (word = line->match(line->text, line->cursor, n)); n++)
		buffer_printf(out, "%s%.*s", n ? " " : "\r\n", (int)word_length(word), word);
	buffer_printf(out, "\r\n");
}

/* Adds what all words that match have in common, or shows them where that is nothing. */
static void complete(struct hmp_line *line, struct buffer *out)
{
	const char *first = line->match ? line->match(line->text, line->cursor, 0) : NULL;
	size_t typed = line->cursor - word_left_of(line, line->cursor);
	size_t common;
	bool only;

	if (!first)
		return;
	if (line->cursor && line->text[line->cursor - 1] == ' ')
		typed = 0;
	only = !line->match(line->text, line->cursor, 1);
	common = common_length(line, first);
	if (!only && common == typed)
		list_matches(line, out);
	for (size_t i = typed; i < common; i++)
		insert(line, first[i]);
	if (only)
		insert(line, ' ');
}

static void control_key(struct hmp_line *line, char key, struct buffer *out)
{
	switch (key) {
	case CTRL('A'):
		line->cursor = 0;
		break;
	case CTRL('B'):
		line->cursor = left_of(line, line->cursor);
		break;
	case CTRL('C'):
		buffer_printf(out, "^C\r\n");
		erase(line, 0, line->len);
		break;
	case CTRL('D'):
		erase(line, line->cursor, right_of(line, line->cursor));
		break;
	case CTRL('E'):
		line->cursor = line->len;
		break;
	case CTRL('F'):
		line->cursor = right_of(line, line->cursor);
		break;
	case CTRL('H'):
	case DELETE_KEY:
		erase(line, left_of(line, line->cursor), line->cursor);
		break;
	case CTRL('I'):
		complete(line, out);
		break;
	case CTRL('K'):
		line->len = line->cursor;
		break;
	case CTRL('L'):
		buffer_printf(out, "\033[H\033[J");
		break;
	case CTRL('N'):
		show_history(line, 1);
		break;
	case CTRL('P'):
		show_history(line, -1);
		break;
	case CTRL('U'):
		erase(line, 0, line->cursor);
		break;
	case CTRL('W'):
		erase(line, word_left_of(line, line->cursor), line->cursor);
		break;
	case ESCAPE_KEY:
		line->escape = 1;
		break;
	default:
		break;
	}
}

static bool end_line(struct hmp_line *line, struct buffer *out)
{
	line->text[line->len] = '\0';
	if (line->echo)
		buffer_printf(out, "\r\n");
	remember(line);
	return true;
}

bool hmp_line_key(struct hmp_line *line, char key, struct buffer *out)
{
	if (key == '\n' || (key == '\r' && line->echo))
		return end_line(line, out);
	if (!line->echo) {
		/* A NUL would hide the rest of the line. */
		if (key != '\r' && key != '\0')
			insert(line, key);
		return false;
	}
	if (line->escape)
		escape_sequence(line, key);
	else if ((unsigned char)key < ' ' || key == DELETE_KEY)
		control_key(line, key, out);
	else
		insert(line, key);
	hmp_line_show(line, out);
	return false;
}
