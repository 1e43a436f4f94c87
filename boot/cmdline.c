// SPDX-License-Identifier: Apache-2.0
/* Puts the command line together; start reading at cmdline_build. */
#include "boot/cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct line {
	char *buf;
	size_t cap;
	size_t len; /* of the whole line, also if it does not fit */
};

static void append_piece(struct line *line, const char *piece)
{
	size_t len = strlen(piece);
	size_t gap = line->len ? 1 : 0;

	if (!len)
		return;
	if (line->len + gap + len < line->cap) {
		if (gap)
			line->buf[line->len] = ' ';
		memcpy(line->buf + line->len + gap, piece, len + 1);
	}
	line->len += gap + len;
}

bool cmdline_has(const char *line, const char *name)
{
	const char *p = line;

	while (*p) {
		const char *start;
		bool quoted = false;

		while (isspace((unsigned char)*p))
			p++;
		start = p;
		for (; *p && (quoted || !isspace((unsigned char)*p)); p++)
			quoted ^= *p == '"';
		if (p - start == 2 && strncmp(start, "--", 2) == 0)
			return false;
		/* The whole parameter may be in quotes. */
		if (*start == '"')
			start++;
		if (strncmp(start, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

int cmdline_build(const struct cmdline_parts *parts, char *buf, size_t cap, struct error *err)
{
	const char *append = parts->append ? parts->append : "";
	struct line line = { buf, cap, 0 };

	if (cap)
		buf[0] = '\0';
	if (!cmdline_has(append, "console=")) {
		if (parts->serial)
			append_piece(&line, "console=ttyS0");
		/* The last one is /dev/console. */
		if (parts->hvc)
			append_piece(&line, "console=hvc0");
	}
	/*
	 * The quickest way to reset the platform. Without it a kernel on hardware-reduced ACPI
	 * tries EFI and then a real-mode BIOS, and this machine has neither.
	 */
	if (!cmdline_has(append, "reboot="))
		append_piece(&line,
			     parts->platform == BOOT_PLATFORM_ACPI ? "reboot=acpi" : "reboot=kbd");
	/* Reboot at once; without panic= a guest that has panicked spins for ever. */
	if (!cmdline_has(append, "panic="))
		append_piece(&line, "panic=-1");
	if (parts->root && !cmdline_has(append, "root="))
		append_piece(&line, parts->root);
	append_piece(&line, append);
	if (line.len >= cap)
		return error_set(err, E2BIG,
				 "the command line would have %zu bytes, more than %zu;"
				 " shorten --append",
				 line.len, cap ? cap - 1 : 0);
	return 0;
}
