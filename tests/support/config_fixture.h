/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines for tests: written as one line, parsed as a shell's words would be. */
#pragma once

#include "tests/support/check.h"
#include "vmm/config/config.h"

/* Parses "-k k" and the words of @line, which has no quotes. */
static inline int fixture_parse(struct config *config, const char *line, struct error *err)
{
	static char text[4096];
	static char name[] = "mvmm", option[] = "-k", kernel[] = "k";
	char *argv[100] = { name, option, kernel };
	int argc = 3;

	cr_assert(strlen(line) < sizeof(text));
	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		cr_assert(argc < (int)ARRAY_SIZE(argv) - 1);
		argv[argc++] = word;
	}
	err->text[0] = '\0';
	return config_parse(config, argc, argv, err);
}

static inline struct config fixture_config(const char *line)
{
	struct config config;
	struct error err;

	check_eq(fixture_parse(&config, line, &err), 0, "%s: %s", line, err.text);
	return config;
}

struct fixture_refusal {
	const char *line, *text;
};

/* Each line is refused with exactly this text. */
static inline void fixture_refusals(const struct fixture_refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct config config;
		struct error err;

		cr_assert(fixture_parse(&config, cases[i].line, &err) < 0, "%s", cases[i].line);
		check_str(err.text, cases[i].text);
		config_fini(&config);
	}
}
