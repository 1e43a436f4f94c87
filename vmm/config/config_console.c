// SPDX-License-Identifier: Apache-2.0
/* Parses where a console goes to. Start reading at add. */
#include "vmm/config/config_console.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 4
#define RATE_MIN 1024ULL
#define RATE_MAX (1ULL << 30)

static const struct {
	const char *name; /* with what is before the path or number, if it takes one */
	enum config_backend_kind kind;
} kinds[] = {
	{ "stdio", CONFIG_BACKEND_STDIO }, { "pty", CONFIG_BACKEND_PTY },
	{ "file=", CONFIG_BACKEND_FILE },  { "unix:", CONFIG_BACKEND_UNIX },
	{ "fd:", CONFIG_BACKEND_FD },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool takes_more(const char *name)
{
	return name[strlen(name) - 1] == '=' || name[strlen(name) - 1] == ':';
}

static bool matches(const char *name, const char *value)
{
	size_t len = strlen(name);

	if (strncmp(name, value, len) != 0)
		return false;
	return takes_more(name) != (!value[len] || value[len] == ',');
}

static int set_rate(struct config_backend *b, const char *value, struct error *err)
{
	if (keyval_size(value, 1, &b->rate) < 0 || b->rate < RATE_MIN || b->rate > RATE_MAX)
		return error_set(err, EINVAL,
				 "%s %s: rate=%s: must be the bytes of a second, 1K to 1G",
				 b->option, b->given, value);
	return 0;
}

/* QEMU's spelling of a socket's kind is accepted where it says what we do anyway. */
static int set_key(struct config_backend *b, const struct keyval *key, struct error *err)
{
	bool socket = b->kind == CONFIG_BACKEND_UNIX;
	const char *allowed = strcmp(key->key, "server") == 0 ? "on" : "off";

	if (strcmp(key->key, "rate") == 0)
		return set_rate(b, key->value, err);
	if (!socket || (strcmp(key->key, "server") != 0 && strcmp(key->key, "wait") != 0))
		return error_set(err, EINVAL, "%s %s: %s: unknown key; there %s", b->option,
				 b->given, key->key,
				 socket ? "are rate, server and wait" : "is rate");
	if (strcmp(key->value, allowed) != 0)
		return error_set(err, EINVAL, "%s %s: %s=%s: only %s=%s is possible", b->option,
				 b->given, key->key, key->value, key->key, allowed);
	return 0;
}

/* Fills in what is behind the kind's name. */
static int parse(struct config_backend *b, struct error *err)
{
	struct keyval list[MAX_KEYS];
	int n, ret = 0;

	/* Or a '=' in a path would end a key. */
	if (b->kind == CONFIG_BACKEND_UNIX)
		*strchr(b->text, ':') = '=';
	n = keyval_parse_qemu(b->text, b->option, "where", list, MAX_KEYS, err);
	if (n < 0)
		return n;
	b->path = list[0].value;
	for (int i = 1; i < n && ret == 0; i++)
		ret = set_key(b, &list[i], err);
	return ret;
}

static int add_backend(struct config_console *console, struct config_backend backend,
		       struct error *err)
{
	struct config_backend *b = &console->backends[console->n];

	if (console->n == CONFIG_MAX_BACKENDS)
		return error_set(err, EINVAL, "%s %s: there can be at most %d of them",
				 backend.option, backend.given, CONFIG_MAX_BACKENDS);
	*b = backend;
	b->text = strdup(b->given);
	if (!b->text)
		return error_set(err, ENOMEM, "%s %s: out of memory", b->option, b->given);
	console->n++;
	return parse(b, err);
}

static int add(struct config_console *console, const char *option, const char *value,
	       struct error *err)
{
	console->given = true;
	if (strcmp(value, "null") == 0)
		return 0;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct config_backend b = { .kind = kinds[i].kind,
					    .option = option,
					    .given = value };

		if (matches(kinds[i].name, value))
			return add_backend(console, b, err);
	}
	return error_set(err, EINVAL,
			 "%s %s: must be stdio, null, pty, file=PATH, unix:PATH or fd:N", option,
			 value);
}

int config_add_serial(struct config *config, const char *value, struct error *err)
{
	return add(&config->serial, "--serial", value, err);
}

int config_add_console(struct config *config, const char *value, struct error *err)
{
	return add(&config->console, "--console", value, err);
}

bool config_console_has_stdio(const struct config_console *console)
{
	for (unsigned i = 0; i < console->n; i++)
		if (console->backends[i].kind == CONFIG_BACKEND_STDIO)
			return true;
	return false;
}

bool config_has_stdio_console(const struct config *config)
{
	return config_console_has_stdio(&config->serial) ||
	       config_console_has_stdio(&config->console);
}

/* How often it is given. */
static unsigned count_stdio(const struct config_console *console)
{
	unsigned n = 0;

	for (unsigned i = 0; i < console->n; i++)
		n += console->backends[i].kind == CONFIG_BACKEND_STDIO;
	return n;
}

int config_finish_consoles(struct config *config, struct error *err)
{
	bool wanted = !config->serial.given && !config_console_has_stdio(&config->console);
	int ret = wanted ? config_add_serial(config, "stdio", err) : 0;

	if (ret < 0)
		return ret;
	if (count_stdio(&config->serial) + count_stdio(&config->console) > 1)
		return error_set(err, EINVAL,
				 "--%s stdio: is given twice; only one console can have it",
				 config_console_has_stdio(&config->console) ? "console" : "serial");
	return 0;
}

static void fini(struct config_console *console)
{
	for (unsigned i = 0; i < console->n; i++)
		free(console->backends[i].text);
	*console = (struct config_console){ .n = 0 };
}

void config_fini_consoles(struct config *config)
{
	fini(&config->serial);
	fini(&config->console);
}
