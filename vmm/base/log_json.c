// SPDX-License-Identifier: Apache-2.0
/* Makes a message a JSON object. Start reading at log_json_line. */
#include "vmm/base/log_json.h"

#include "vmm/base/line.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 3339, in UTC. The date by "civil from days": years begin in March, so leap days come last. */
static void add_time(struct line *line, const struct timespec *time)
{
	uint64_t seconds = (uint64_t)time->tv_sec, days = seconds / 86400 + 719468;
	uint64_t era = days / 146097, of_era = days % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153, day = of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	line_append_number(line, era * 400 + year + (month <= 2), 4);
	line_append(line, "-");
	line_append_number(line, month, 2);
	line_append(line, "-");
	line_append_number(line, day, 2);
	line_append(line, "T");
	line_append_number(line, seconds / 3600 % 24, 2);
	line_append(line, ":");
	line_append_number(line, seconds / 60 % 60, 2);
	line_append(line, ":");
	line_append_number(line, seconds % 60, 2);
	line_append(line, ".");
	line_append_number(line, (uint64_t)time->tv_nsec / 1000, 6);
	line_append(line, "Z");
}

/* The length of the character of UTF-8 at @text; 0: it is none (RFC 3629, section 4). */
static size_t character_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf;
	size_t len;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	len = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	/* No longer form than needed, no surrogates, nothing above U+10FFFF. */
	if (c[0] == 0xe0)
		low = 0xa0;
	else if (c[0] == 0xed)
		high = 0x9f;
	else if (c[0] == 0xf0)
		low = 0x90;
	else if (c[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf)
		if (c[i] < low || c[i] > high)
			return 0;
	return len;
}

static void add_string(struct line *line, const char *text)
{
	line_append(line, "\"");
	while (*text) {
		size_t len = character_length(text);
		bool shown = len && (unsigned char)*text >= ' ' && *text != 0x7f;

		if (*text == '"' || *text == '\\')
			line_append(line, "\\");
		line_append_bytes(line, shown ? text : "?", shown ? len : 1);
		text += len ? len : 1;
	}
	line_append(line, "\"");
}

size_t log_json_line(char *to, const struct timespec *time, const char *level, const char *name,
		     const char *text)
{
	struct line line = { .text = to, .size = LOG_JSON_SIZE };

	line_append(&line, "{\"time\":\"");
	add_time(&line, time);
	line_append(&line, "\",\"level\":");
	add_string(&line, level);
	if (name) {
		line_append(&line, ",\"name\":");
		add_string(&line, name);
	}
	line_append(&line, ",\"message\":");
	add_string(&line, text);
	line_append(&line, "}\n");
	return line.len;
}
