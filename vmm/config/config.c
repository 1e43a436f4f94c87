// SPDX-License-Identifier: Apache-2.0
/* The command line. Start reading at config_parse; config_options.c has the table of options. */
#include "vmm/config/config.h"

#include "vmm/base/file_argument.h"
#include "vmm/config/config_console.h"
#include "vmm/config/config_file.h"
#include "vmm/config/config_numa.h"
#include "vmm/config/config_options.h"
#include "vmm/config/config_pmem.h"
#include "vmm/config/config_restore.h"

#include <errno.h>
#include <string.h>

#define MEMORY_DEFAULT (256ULL << 20)

void config_print_help(FILE *out)
{
	fprintf(out,
		"usage: mvmm --kernel FILE [--pmem FILE]... [OPTION]...\n"
		"Boot Linux in a KVM microVM whose disk is a file mapped into guest memory.\n\n");
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *o = &config_options[i];
		const char *line = o->help, *newline;
		char head[40];

		snprintf(head, sizeof(head), "%c%c%s --%s %s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
			 o->arg ? o->arg : "");
		for (; (newline = strchr(line, '\n')); line = newline + 1, head[0] = '\0')
			fprintf(out, "  %-24s %.*s\n", head, (int)(newline - line), line);
		fprintf(out, "  %-24s %s\n", head, line);
	}
	fprintf(out,
		"\nA FILE can be fd:N, a descriptor that mvmm is started with.\n"
		"On a terminal, Ctrl-A X ends mvmm. Exit status: 0 power-off, 32 reset, 33 triple\n"
		"fault, 34 panic, 35 bad usage; mvmm(1) has the others.\n");
}

/* Whether @arg, without its dashes, is the option's name; what is attached to it, or NULL. */
static bool is_name(const struct config_option *option, const char *arg, const char **ret_value)
{
	size_t len = strlen(option->name);

	if (strncmp(arg, option->name, len) != 0 || (arg[len] && arg[len] != '='))
		return false;
	*ret_value = arg[len] ? arg + len + 1 : NULL;
	return true;
}

/*
 * Finds the option that @arg spells, and in *@ret_value what is attached to it (or NULL). One dash
 * before a name is QEMU's spelling, so a name comes before a letter with a value attached to it.
 */
static const struct config_option *find_option(const char *arg, const char **ret_value)
{
	const struct config_option *o, *end = config_options + config_n_options;

	/* "-c" is no name: each is longer than a letter. */
	for (o = config_options; arg[2] && o < end; o++)
		if (is_name(o, arg + (arg[1] == '-' ? 2 : 1), ret_value))
			return o;
	for (o = config_options; o < end; o++) {
		if (!o->letter || arg[1] != o->letter)
			continue;
		*ret_value = arg[2] ? arg + 2 : NULL;
		return o;
	}
	return NULL;
}

static int refuse_unknown(const char *arg, struct error *err)
{
	const char *start = arg + strspn(arg, "-");
	char name[32];
	const char *closest;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(start, "="), start);
	closest = config_option_closest(name);
	if (!closest)
		return error_set(err, EINVAL, "%s: unknown option; mvmm --help lists them", arg);
	return error_set(err, EINVAL, "%s: unknown option; did you mean --%s?", arg, closest);
}

/* Applies argv[i] with its value; returns how many words it took, or -EINVAL. */
static int apply_option(struct config *config, char **argv, int i, uint64_t *seen,
			struct error *err)
{
	const char *arg = argv[i], *value;
	const struct config_option *o;
	int words = 1, ret;

	if (arg[0] != '-' || !arg[1])
		return error_set(err, EINVAL,
				 "%s: not an option; a kernel is given as --kernel FILE, a disk as "
				 "--pmem FILE",
				 arg);
	o = find_option(arg, &value);
	if (!o)
		return refuse_unknown(arg, err);
	if (!(o->how & REPEATABLE) && (*seen & 1ull << (o - config_options)))
		return error_set(err, EINVAL, "--%s %s: is given twice; it is allowed once",
				 o->name,
				 value			 ? value
				 : argv[i + 1] && o->arg ? argv[i + 1]
							 : "");
	*seen |= 1ull << (o - config_options);
	if (o->arg && !value) {
		value = argv[i + 1];
		words = 2;
	}
	if (o->arg && !value)
		return error_set(err, EINVAL, "--%s: needs a value: --%s %s", o->name, o->name,
				 o->arg);
	if (!o->arg && value)
		return error_set(err, EINVAL, "--%s %s: takes no value", o->name, value);
	ret = config_option_set(o, config, &(struct keyval){ .value = value }, err);
	return ret < 0 ? ret : words;
}

/* Standard input and output are one's, but that a console and --monitor take turns. */
static int check_stdio(const struct config *config, struct error *err)
{
	const struct config_control *has = NULL;

	for (unsigned i = 0; i < config->n_controls; i++) {
		const struct config_control *control = &config->controls[i];

		if (strcmp(control->where, "stdio") != 0)
			continue;
		if (has)
			return error_set(
				err, EINVAL,
				"--%s stdio: --%s stdio has standard input and output "
				"already; give one of them another place, such as unix:PATH",
				control->hmp ? "monitor" : "qmp", has->hmp ? "monitor" : "qmp");
		has = control;
	}
	if (has && !has->hmp && config_has_stdio_console(config))
		return error_set(err, EINVAL,
				 "--qmp stdio: a console is there already; give it another place "
				 "with --serial or --console");
	return 0;
}

static int check(struct config *config, struct error *err)
{
	unsigned roots = 0;
	int ret;

	if (!config->kernel && !config->restore.where)
		return error_set(
			err, EINVAL,
			"--kernel FILE is missing: a bzImage or vmlinux, or --restore DIR; mvmm "
			"--help lists the options");
	ret = config_restore_check(config, err);
	if (ret == 0)
		ret = config_finish_pmem(config, err);
	if (ret == 0)
		ret = config_finish_consoles(config, err);
	if (ret == 0)
		ret = config_check_numa(config, err);
	if (ret == 0)
		ret = check_stdio(config, err);
	if (ret == 0 && config->paused && !config->n_controls)
		ret = error_set(err, EINVAL,
				"--paused: nobody could say cont; give --qmp or --monitor, too");
	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < config->n_pmem; i++)
		roots += config->pmem[i].root == CONFIG_ROOT_ON;
	if (roots > 1)
		return error_set(err, EINVAL,
				 "--pmem root=on: is given %u times; only one disk can be the root",
				 roots);
	return 0;
}

/* After an error in an option, applies those behind it that say how errors are reported. */
static void apply_reports(struct config *config, char **argv, uint64_t seen)
{
	const struct config_option *o;
	struct error ignored;
	const char *value;

	for (; *argv; argv++) {
		o = (*argv)[0] == '-' && (*argv)[1] ? find_option(*argv, &value) : NULL;
		if (!o || !(o->how & REPORTS) || seen & 1ull << (o - config_options))
			continue;
		seen |= 1ull << (o - config_options);
		value = value ? value : argv[1];
		if (value)
			config_option_set(o, config, &(struct keyval){ .value = value }, &ignored);
	}
}

/* The number of words that @arg and its value take. */
static int count_words(const struct config_option *o, const char *value)
{
	return o->arg && !value ? 2 : 1;
}

/*
 * Applies --config first, wherever it is given, so that the command line overrides the file. An
 * option that is allowed once is taken from the file only if the command line does not have it;
 * values of the others are added.
 */
static int apply_config(struct config *config, char **argv, struct error *err)
{
	const char *where = NULL, *restore = NULL, *value;
	const struct config_option *o, *restoring = NULL;
	uint64_t given = 0;

	for (int i = 1; argv[i]; i += count_words(o, value)) {
		/* A wrong option is reported later, when it is applied. */
		if (argv[i][0] != '-' || !(o = find_option(argv[i], &value)))
			break;
		given |= 1ull << (o - config_options);
		if (o->how & READ_FIRST && o->set_keys) { /* --restore: --config has no keys */
			restoring = o;
			restore = value ? value : argv[i + 1];
		} else if (o->how & READ_FIRST) {
			where = value ? value : argv[i + 1];
		}
		if (count_words(o, value) == 2 && !argv[i + 1])
			break;
	}
	if (restore &&
	    (config_option_set(restoring, config, &(struct keyval){ .value = restore }, err) < 0 ||
	     config_restore_apply(config, err) < 0))
		return -EINVAL;
	return where ? config_file_apply(config, where, given, err) : 0;
}

static bool may_have_config(char **argv)
{
	for (; *argv; argv++) {
		const char *name = *argv + strspn(*argv, "-");

		if (name > *argv &&
		    (strncmp(name, "config", 6) == 0 || strncmp(name, "restore", 7) == 0))
			return true;
	}
	return false;
}

int config_parse(struct config *config, int argc, char **argv, struct error *err)
{
	uint64_t seen = 0;

	*config = (struct config){
		.kvm = "/dev/kvm",
		.memory = MEMORY_DEFAULT,
		.cpus = 1,
		.topology = { 1, 1, 1 },
		.ready_fd = -1,
		.guest_ready_fd = -1,
		.life_fd = -1,
		.log_level = LOG_LEVEL_WARNING,
	};
	if (may_have_config(argv) && apply_config(config, argv, err) < 0) {
		apply_reports(config, argv + 1, 0);
		return -EINVAL;
	}
	for (int i = 1; i < argc;) {
		int words = apply_option(config, argv, i, &seen, err);

		if (words < 0) {
			apply_reports(config, argv + i + 1, seen);
			return words;
		}
		i += words;
	}
	return config->help || config->version ? 0 : check(config, err);
}

static bool makes_sockets(const struct config_console *console)
{
	for (unsigned i = 0; i < console->n; i++)
		if (console->sinks[i].kind == CONFIG_SINK_UNIX)
			return true;
	return false;
}

bool config_makes_files(const struct config *config)
{
	for (unsigned i = 0; i < config->n_pmem; i++)
		if (config->pmem[i].size)
			return true;
	for (unsigned i = 0; i < config->n_controls; i++)
		if (strcmp(config->controls[i].where, "stdio") != 0 &&
		    !file_argument_is_fd(config->controls[i].where))
			return true;
	return config->vsock_path || makes_sockets(&config->serial) ||
	       makes_sockets(&config->console);
}

void config_fini(struct config *config)
{
	config_fini_pmem(config);
	config_fini_consoles(config);
	config_restore_fini(config);
	config_file_fini(config);
}
