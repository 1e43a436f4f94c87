// SPDX-License-Identifier: Apache-2.0
/* HMP's commands. Start reading at hmp_run; the table is before it. */
#include "vmm/control/hmp.h"

#include "vmm/base/array.h"
#include "vmm/base/keyval.h"
#include "vmm/control/hmp_info.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_types.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROPERTIES 16

/* The arguments of a command. */
enum arguments {
	NOTHING,
	OPTIONAL_WORDS, /* the rest of the line, which may be empty */
	WORD,		/* one word, perhaps in double quotes */
	PROPERTIES,	/* the rest of the line: a=b,c=d */
};

struct command {
	const char *name; /* may have an alias behind a '|' */
	enum arguments arguments;
	const char *parameters;
	const char *help;
	/* The QMP command of the same meaning, so that both spellings behave the same. */
	const char *qmp;
	const char *implied_key; /* of the first property; or NULL */
	/* If there is no such command. */
	int (*run)(struct monitor *monitor, char *arguments, struct buffer *out);
};

static int report(int ret, const struct error *err, struct buffer *out)
{
	if (ret >= 0)
		return ret;
	buffer_printf(out, "Error: %s\n", err->text);
	return 0;
}

static int run_qmp(const struct command *command, struct monitor *monitor, char *properties,
		   struct buffer *out)
{
	const struct qmp_command *qmp = qmp_commands_find(command->qmp);
	const struct qmp_type *type = qmp_types_find(qmp->arguments);
	struct keyval list[MAX_PROPERTIES];
	json_t *arguments = json_object(), *answer = NULL;
	struct error err = { 0 };
	int ret = 0, count = 0;

	if (*properties)
		ret = count = keyval_parse(properties, KEYVAL_QEMU, command->qmp,
					   command->implied_key, list, MAX_PROPERTIES, &err);
	for (int i = 0; i < count && ret >= 0; i++)
		ret = qmp_types_set(type, arguments, list[i].key, list[i].value, &err);
	if (ret >= 0)
		ret = qmp_commands_run(qmp, monitor, arguments, &answer, &err);
	json_decref(arguments);
	json_decref(answer);
	return report(ret, &err, out);
}

static int run_save(struct monitor *monitor, char *arguments, struct buffer *out)
{
	struct error err = { 0 };

	return report(monitor_save(monitor, &(struct monitor_save){ .path = arguments }, &err),
		      &err, out);
}

static int run_device_del(struct monitor *monitor, char *arguments, struct buffer *out)
{
	struct error err = { 0 };

	return report(monitor_device_del(monitor, arguments, &err), &err, out);
}

static int run_help(struct monitor *monitor, char *arguments, struct buffer *out);
static int run_info(struct monitor *monitor, char *arguments, struct buffer *out);

/* In alphabetical order. Names, parameters and texts are QEMU's. */
static const struct command commands[] = {
	{ "cont|c", NOTHING, "", "resume emulation", .qmp = "cont" },
	{ "device_add", PROPERTIES, "driver[,prop=value][,...]",
	  "add device, like -device on the command line", "device_add", "driver", NULL },
	{ "device_del", WORD, "device", "remove device", .run = run_device_del },
	{ "help|?", OPTIONAL_WORDS, "[cmd]", "show the help", .run = run_help },
	{ "info", OPTIONAL_WORDS, "[subcommand]", "show various information about the system state",
	  .run = run_info },
	{ "object_add", PROPERTIES, "[qom-type=]type,id=str[,prop=value][,...]",
	  "create QOM object", "object-add", "qom-type", NULL },
	{ "quit|q", NOTHING, "", "quit the emulator", .qmp = "quit" },
	{ "save", WORD, "path", "save the VM to a snapshot below the directory of --snapshots",
	  .run = run_save },
	{ "stop|s", NOTHING, "", "stop emulation", .qmp = "stop" },
	{ "system_powerdown", NOTHING, "", "send system power down event",
	  .qmp = "system_powerdown" },
	{ "system_reset", NOTHING, "", "reset the system", .qmp = "system_reset" },
	{ "vm_reset", NOTHING, "", "put a restored VM back to the instant of its snapshot",
	  .qmp = "vm-reset" },
};

#define COUNT ARRAY_SIZE(commands)

static bool is_named(const struct command *command, const char *name)
{
	const char *bar = strchr(command->name, '|');
	size_t len = bar ? (size_t)(bar - command->name) : strlen(command->name);

	if (strlen(name) == len && strncmp(command->name, name, len) == 0)
		return true;
	return bar && strcmp(bar + 1, name) == 0;
}

static const struct command *find_command(const char *name)
{
	for (unsigned i = 0; i < COUNT; i++)
		if (is_named(&commands[i], name))
			return &commands[i];
	return NULL;
}

static const struct hmp_info *find_info(const char *name)
{
	const struct hmp_info *info;

	for (unsigned i = 0; (info = hmp_info_get(i)); i++)
		if (strcmp(info->name, name) == 0)
			return info;
	return NULL;
}

/* Cuts off the first word of *@text, and the space behind it. */
static char *next_word(char **text)
{
	char *word = *text;

	while (**text && !isspace((unsigned char)**text))
		(*text)++;
	while (isspace((unsigned char)**text))
		*(*text)++ = '\0';
	return word;
}

static void print_help(const struct command *command, struct buffer *out)
{
	buffer_printf(out, "%s %s -- %s\n", command->name, command->parameters, command->help);
}

static void print_info_help(const struct hmp_info *info, struct buffer *out)
{
	buffer_printf(out, "info %s  -- %s\n", info->name, info->help);
}

static void print_all_infos(struct buffer *out)
{
	const struct hmp_info *info;

	for (unsigned i = 0; (info = hmp_info_get(i)); i++)
		print_info_help(info, out);
}

static int run_help(struct monitor *monitor, char *arguments, struct buffer *out)
{
	const char *name = next_word(&arguments), *sub = next_word(&arguments);
	const struct command *command = find_command(name);
	const struct hmp_info *info = find_info(sub);

	if (!*name) {
		for (unsigned i = 0; i < COUNT; i++)
			print_help(&commands[i], out);
	} else if (!command) {
		buffer_printf(out, "unknown command: '%s'\n", name);
	} else if (command->run != run_info) {
		print_help(command, out);
	} else if (!*sub) {
		print_all_infos(out);
	} else if (info) {
		print_info_help(info, out);
	} else {
		buffer_printf(out, "unknown command: 'info %s'\n", sub);
	}
	return 0;
}

static int run_info(struct monitor *monitor, char *arguments, struct buffer *out)
{
	const char *name = next_word(&arguments);
	const struct hmp_info *info = find_info(name);

	if (!*name)
		print_all_infos(out);
	else if (!info)
		buffer_printf(out, "unknown command: 'info %s'\n", name);
	else if (*arguments)
		buffer_printf(out,
			      "%s: extraneous characters at the end of line\n"
			      "Try \"help info %s\" for more information\n",
			      name, name);
	else
		info->print(monitor, out);
	return 0;
}

/* The only word of @arguments; NULL with a message if there is not exactly one. */
static char *only_word(const struct command *command, char *arguments, struct buffer *out)
{
	char *word = arguments, *end;

	if (*word == '"') {
		word++;
		end = strchr(word, '"');
		if (end) {
			*end++ = '\0';
			while (isspace((unsigned char)*end))
				end++;
		}
	} else {
		end = word;
		word = next_word(&end);
	}
	if (!end || !*word)
		buffer_printf(out, "%s: string expected\n", command->name);
	else if (*end)
		buffer_printf(out, "%s: extraneous characters at the end of line\n", command->name);
	else
		return word;
	return NULL;
}

/* Checks @arguments and converts them for the command; NULL with a message if they are wrong. */
static char *check_arguments(const struct command *command, char *arguments, struct buffer *out)
{
	switch (command->arguments) {
	case NOTHING:
		if (!*arguments)
			return arguments;
		buffer_printf(out, "%s: extraneous characters at the end of line\n", command->name);
		return NULL;
	case WORD:
		return only_word(command, arguments, out);
	case PROPERTIES:
	case OPTIONAL_WORDS:
		break;
	}
	return arguments;
}

static int run_line(struct monitor *monitor, char *line, struct buffer *out)
{
	const struct command *command;
	char *name, *arguments;

	while (isspace((unsigned char)*line))
		line++;
	if (!*line)
		return 0;
	name = next_word(&line);
	command = find_command(name);
	if (!command) {
		buffer_printf(out, "unknown command: '%s'\n", name);
		return 0;
	}
	arguments = check_arguments(command, line, out);
	if (!arguments) {
		buffer_printf(out, "Try \"help %.*s\" for more information\n",
			      (int)strcspn(command->name, "|"), command->name);
		return 0;
	}
	return command->run ? command->run(monitor, arguments, out)
			    : run_qmp(command, monitor, arguments, out);
}

void hmp_finish(const struct monitor_event *event, struct buffer *out)
{
	if (event->job && event->job->error)
		buffer_printf(out, "Error: %s\n", event->job->error);
}

int hmp_run(struct monitor *monitor, const char *line, struct buffer *out)
{
	char *copy = strdup(line);
	size_t len;
	int ret;

	if (!copy) {
		buffer_printf(out, "Error: out of memory\n");
		return 0;
	}
	len = strlen(copy);
	while (len && isspace((unsigned char)copy[len - 1]))
		copy[--len] = '\0';
	ret = run_line(monitor, copy, out);
	free(copy);
	return ret;
}

static bool begins_with(const char *name, const char *word, size_t len)
{
	return strcspn(name, "|") >= len && strncmp(name, word, len) == 0;
}

const char *hmp_match(const char *line, size_t len, unsigned n)
{
	size_t first = 0, word;

	while (first < len && line[first] != ' ')
		first++;
	for (word = first; word < len && line[word] == ' ';)
		word++;
	if (first == len)
		word = 0;
	/* Only these two take names that are known here, and one of them. */
	else if (memchr(line + word, ' ', len - word) || first != 4 ||
		 (memcmp(line, "info", 4) != 0 && memcmp(line, "help", 4) != 0))
		return NULL;
	if (word && line[0] == 'i') {
		const struct hmp_info *info;

		for (unsigned i = 0; (info = hmp_info_get(i)); i++)
			if (begins_with(info->name, line + word, len - word) && n-- == 0)
				return info->name;
		return NULL;
	}
	for (unsigned i = 0; i < COUNT; i++)
		if (begins_with(commands[i].name, line + word, len - word) && n-- == 0)
			return commands[i].name;
	return NULL;
}
