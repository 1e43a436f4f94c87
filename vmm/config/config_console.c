// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/config/test_config.c.
/* Parses the destinations of a console. Start reading at add_sink. */
#include "vmm/config/config_console.h"

#include "vmm/base/array.h"
#include "vmm/base/closest_word.h"
#include "vmm/base/keyval.h"
#include "vmm/config/property.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 4
#define RATE_MIN 1024ULL
#define RATE_MAX (1ULL << 30)

static const struct {
	const char *name; /* with the text before the path or number, if it takes one */
	enum config_sink_kind kind;
} kinds[] = {
	{ "stdio", CONFIG_SINK_STDIO }, { "pty", CONFIG_SINK_PTY }, { "file=", CONFIG_SINK_FILE },
	{ "unix:", CONFIG_SINK_UNIX },	{ "fd:", CONFIG_SINK_FD },
};

#define N_KINDS ARRAY_SIZE(kinds)

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

#define SINK_RATE                                                                                  \
	{                                                                                          \
		"rate", PROPERTY_SIZE, offsetof(struct config_sink, rate),                         \
			"must be a number of bytes per second, 1K to 1G", .min = RATE_MIN,         \
									  .max = RATE_MAX          \
	}

static const struct property socket_properties[] = {
	SINK_RATE,
	PROPERTY_SERVER,
	PROPERTY_WAIT,
	PROPERTY_END("are rate, server and wait"),
};

static const struct property other_properties[] = {
	SINK_RATE,
	PROPERTY_END("is rate"),
};

/* Fills in the value behind the kind's name. */
static int parse(struct config_sink *b, struct error *err)
{
	struct keyval list[MAX_KEYS];
	int n;

	/* Otherwise a '=' in a path would end a key. */
	if (b->kind == CONFIG_SINK_UNIX)
		*strchr(b->text, ':') = '=';
	n = keyval_parse(b->text, KEYVAL_QEMU, b->option, "where", list, MAX_KEYS, err);
	if (n < 0)
		return n;
	b->path = list[0].value;
	return property_fill(b->kind == CONFIG_SINK_UNIX ? socket_properties : other_properties, b,
			     list + 1, (unsigned)n - 1, b->option, err);
}

static int append_sink(struct config_console *console, struct config_sink sink, struct error *err)
{
	struct config_sink *b = &console->sinks[console->n];

	if (console->n == CONFIG_MAX_SINKS)
		return error_set(err, EINVAL, "%s %s: there can be at most %d of them", sink.option,
				 sink.given, CONFIG_MAX_SINKS);
	*b = sink;
	b->text = strdup(b->given);
	if (!b->text)
		return error_set(err, ENOMEM, "%s %s: out of memory", b->option, b->given);
	console->n++;
	return parse(b, err);
}

static int refuse(const char *option, const char *value, struct error *err)
{
	static const char *const whole[] = { "stdio", "null", "pty" };
	struct closest_word closest = { .typed = value };

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		closest_word_try(&closest, whole[i]);
	if (closest.word)
		return error_set(err, EINVAL,
				 "%s %s: did you mean %s? It must be stdio, null, pty, file=PATH, "
				 "unix:PATH or fd:N",
				 option, value, closest.word);
	return error_set(err, EINVAL,
			 "%s %s: must be stdio, null, pty, file=PATH, unix:PATH or fd:N", option,
			 value);
}

static void fini(struct config_console *console)
{
	for (unsigned i = 0; i < console->n; i++)
		free(console->sinks[i].text);
	*console = (struct config_console){ .n = 0 };
}

static int add_sink(struct config_console *console, const char *option, const char *value,
		    struct error *err)
{
	if (console->saved)
		fini(console);
	console->given = true;
	if (strcmp(value, "null") == 0)
		return 0;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct config_sink b = { .kind = kinds[i].kind, .option = option, .given = value };

		if (matches(kinds[i].name, value))
			return append_sink(console, b, err);
	}
	return refuse(option, value, err);
}

int config_add_serial(struct config *config, const char *value, struct error *err)
{
	return add_sink(&config->serial, "--serial", value, err);
}

int config_add_console(struct config *config, const char *value, struct error *err)
{
	if (config->restore.where && !config->console.given)
		return error_set(
			err, EINVAL,
			"--console %s: the VM was saved without a console of virtio; leave "
			"it out",
			value);
	return add_sink(&config->console, "--console", value, err);
}

/* How many times stdio is given. */
static unsigned count_stdio(const struct config_console *console)
{
	unsigned n = 0;

	for (unsigned i = 0; i < console->n; i++)
		n += console->sinks[i].kind == CONFIG_SINK_STDIO;
	return n;
}

bool config_has_stdio_console(const struct config *config)
{
	return count_stdio(&config->serial) + count_stdio(&config->console) > 0;
}

int config_finish_consoles(struct config *config, struct error *err)
{
	bool wanted = !config->serial.given && !count_stdio(&config->console);
	int ret = wanted ? config_add_serial(config, "stdio", err) : 0;

	if (ret < 0)
		return ret;
	if (count_stdio(&config->serial) + count_stdio(&config->console) > 1)
		return error_set(err, EINVAL,
				 "--%s stdio: is used twice; only one console can use it",
				 count_stdio(&config->console) ? "console" : "serial");
	return 0;
}

void config_fini_consoles(struct config *config)
{
	fini(&config->serial);
	fini(&config->console);
}
