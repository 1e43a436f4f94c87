// SPDX-License-Identifier: Apache-2.0
/* Messages as JSON: dates, and text that must not end a string. */
#include "vmm/base/log_json.h"

#include "tests/support/check.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(log_json, .timeout = 10);

static char line[LOG_JSON_SIZE + 1];

static const char *made(time_t seconds, long ns, const char *name, const char *text)
{
	const struct timespec time = { seconds, ns };
	size_t len = log_json_line(line, &time, "warning", name, text);

	cr_assert(len < LOG_JSON_SIZE);
	line[len] = '\0';
	return line;
}

Test(log_json, members)
{
	check_str(made(0, 0, NULL, "a text"),
		  "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"warning\","
		  "\"message\":\"a text\"}\n");
	check_str(made(1, 999999999, "web 1", ""),
		  "{\"time\":\"1970-01-01T00:00:01.999999Z\",\"level\":\"warning\","
		  "\"name\":\"web 1\",\"message\":\"\"}\n");
}

/* Each day for 500 years, as gmtime(3) has it. */
Test(log_json, dates)
{
	for (time_t day = 0; day < 365L * 500; day++) {
		time_t seconds = day * 86400 + day % 86400;
		char expected[64];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof(expected), "{\"time\":\"%Y-%m-%dT%H:%M:%S.000001Z\"",
			 &tm);
		cr_assert(strncmp(made(seconds, 1000, NULL, "x"), expected, strlen(expected)) == 0,
			  "%s instead of %s", line, expected);
	}
}

static void check_message(const char *text, const char *expected)
{
	json_t *object = json_loads(made(0, 0, NULL, text), 0, NULL);

	cr_assert(object, "%s", line);
	check_str(json_string_value(json_object_get(object, "message")), expected);
	json_decref(object);
}

/*
 * bad input: Command line: --log-format json, and messages about names with quotes, control
 * characters or bytes that are not UTF-8 -> each message is one JSON object in one line
 */
Test(log_json, any_text_is_a_string)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xc3",
		"\xf0\x9f\x98",
	};
	char text[3] = "", expected[3] = "";

	check_message("a \"quoted\" \\ text\\", "a \"quoted\" \\ text\\");
	check_message("\n\x1b[31m\t\x7f", "??[31m??");
	check_message("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
		      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char wanted[8] = "????????";

		wanted[strlen(bad[i])] = '\0';
		check_message(bad[i], wanted);
	}
	for (int byte = 1; byte < 256; byte++) {
		text[0] = (char)byte;
		text[1] = 'x';
		snprintf(expected, sizeof(expected), "%cx",
			 byte >= ' ' && byte < 0x7f ? byte : '?');
		check_message(text, expected);
	}
}

Test(log_json, longest)
{
	static char text[1024], name[65];

	memset(text, '"', sizeof(text) - 1);
	memset(name, '\\', sizeof(name) - 1);
	made(253402300799, 0, name, text);
	check_str(line + strlen(line) - 5, "\\\"\"}\n");
}
