// SPDX-License-Identifier: Apache-2.0
/* The command line. Start reading at args_text. */
#include "args.h"

#include "text.h"

static const char *cmdline = "";

void args_init(const struct boot_params *params)
{
	uint64_t addr = params->hdr.cmd_line_ptr | (uint64_t)params->ext_cmd_line_ptr << 32;

	if (addr)
		cmdline = (const char *)addr;
}

const char *args_text(const char *key)
{
	size_t len = strlen(key);

	for (const char *word = cmdline; *word;) {
		size_t i = 0;

		while (i < len && word[i] == key[i])
			i++;
		if (i == len && word[i] == '=')
			return word + len + 1;
		while (*word && *word != ' ')
			word++;
		while (*word == ' ')
			word++;
	}
	return NULL;
}

uint64_t args_number(const char *key, uint64_t otherwise)
{
	const char *text = args_text(key);

	return text ? text_number(text) : otherwise;
}
