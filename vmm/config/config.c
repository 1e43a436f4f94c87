// SPDX-License-Identifier: Apache-2.0
/*
 * The command line. Start reading at the options table and config_parse; options with lists of keys
 * have files of their own.
 */
#include "vmm/config/config.h"

#include "vmm/base/keyval.h"
#include "vmm/config/config_console.h"
#include "vmm/config/config_file.h"
#include "vmm/config/config_net.h"
#include "vmm/config/config_numa.h"
#include "vmm/config/config_options.h"
#include "vmm/config/config_pmem.h"
#include "vmm/config/config_sandbox.h"
#include "vmm/config/config_vsock.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#define MEMORY_DEFAULT (256ULL << 20)
#define TIMEOUT_MAX 31622400U /* 366 days */

static int set_cpus(struct config *c, const char *value, struct error *err)
{
	uint64_t n;

	if (keyval_number(value, &n) < 0 || n < 1 || n > BOOT_MAX_CPUS)
		return error_set(err, EINVAL, "--cpus %s: must be a number from 1 to %u", value,
				 BOOT_MAX_CPUS);
	c->cpus = (unsigned)n;
	return 0;
}

/* The index of @value among @names, or -EINVAL. */
static int find_name(const char *const *names, unsigned n, const char *value)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], value) == 0)
			return (int)i;
	return -EINVAL;
}

static int set_platform(struct config *c, const char *value, struct error *err)
{
	static const char *const names[] = {
		[BOOT_PLATFORM_AUTO] = "auto",
		[BOOT_PLATFORM_DT] = "dt",
		[BOOT_PLATFORM_ACPI] = "acpi",
	};
	int i = find_name(names, 3, value);

	if (i < 0)
		return error_set(err, EINVAL, "--platform %s: must be auto, dt or acpi", value);
	c->platform = (enum boot_platform)i;
	return 0;
}

static int set_log_level(struct config *c, const char *value, struct error *err)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	int i = find_name(names, 4, value);

	if (i < 0)
		return error_set(err, EINVAL,
				 "--log-level %s: must be error, warning, info or debug", value);
	c->log_level = (enum log_level)i;
	return 0;
}

static int add_control(struct config *c, bool hmp, const char *value, struct error *err)
{
	if (c->n_controls == CONFIG_MAX_CONTROLS)
		return error_set(err, EINVAL,
				 "--%s %s: there can be at most %d of --qmp and --monitor",
				 hmp ? "monitor" : "qmp", value, CONFIG_MAX_CONTROLS);
	c->controls[c->n_controls++] = (struct config_control){ hmp, value };
	return 0;
}

static int add_qmp(struct config *c, const char *value, struct error *err)
{
	return add_control(c, false, value, err);
}

static int add_monitor(struct config *c, const char *value, struct error *err)
{
	return add_control(c, true, value, err);
}

static int set_timeout(struct config *c, const char *value, struct error *err)
{
	uint64_t n;

	if (keyval_number(value, &n) < 0 || n < 1 || n > TIMEOUT_MAX)
		return error_set(err, EINVAL,
				 "--timeout %s: must be a number of seconds from 1 to %u", value,
				 TIMEOUT_MAX);
	c->timeout = (unsigned)n;
	return 0;
}

static int set_ready_fd(struct config *c, const char *value, struct error *err)
{
	uint64_t n;

	if (keyval_number(value, &n) < 0 || n > INT_MAX)
		return error_set(err, EINVAL,
				 "--ready-fd %s: must be the number of a descriptor that mvmm is "
				 "started with",
				 value);
	c->ready_fd = value;
	return 0;
}

/* It was read before the first option was set: see apply_config. */
static int set_config(struct config *c, const char *value, struct error *err)
{
	(void)c;
	(void)value;
	(void)err;
	return 0;
}

#define TO(member) NULL, offsetof(struct config, member)
#define CALL(function) function, 0

const struct config_option config_options[] = {
	{ "kernel", 'k', "FILE", NAME, TO(kernel), "kernel to boot: a bzImage or an ELF vmlinux" },
	{ "initrd", 0, "FILE", NAME, TO(initrd), "initial RAM disk" },
	{ "append", 0, "TEXT", NAME, TO(append), "added to the kernel's command line" },
	{ "memory", 'm', "SIZE", KEYED, CALL(config_set_memory),
	  "guest RAM, with K, M or G behind the number (256M):\n"
	  "SIZE[,maxmem=SIZE][,slots=N]" },
	{ "cpus", 'c', "N", ONCE, CALL(set_cpus), "number of vCPUs, 1 to 32 (1)" },
	{ "pmem", 'p', "FILE", REPEATABLE | KEYED | NAME, CALL(config_add_pmem),
	  "a disk: file=FILE[,size=SIZE][,id=ID][,readonly=on|off]\n"
	  "[,share=on|off][,lock=on|off][,prealloc=on|off]\n"
	  "[,root=on|off][,addr=ADDRESS][,align=SIZE][,node=N]; the\n"
	  "first is the root disk" },
	{ "object", 0, "BACKEND", REPEATABLE | KEYED, CALL(config_add_object),
	  "a disk's file as QEMU has it: memory-backend-file,id=ID,\n"
	  "mem-path=FILE,size=SIZE[,share=on|off][,readonly=on|off]\n"
	  "[,lock=on|off][,prealloc=on|off][,align=SIZE]" },
	{ "device", 0, "DEVICE", REPEATABLE | KEYED, CALL(config_add_device),
	  "and the disk: virtio-pmem,memdev=ID[,id=ID]\n"
	  "[,memaddr=ADDRESS][,node=N]" },
	{ "numa", 0, "NODE", REPEATABLE | KEYED, CALL(config_add_numa),
	  "a NUMA node: node=N[,cpus=FIRST[-LAST]]...[,memory=SIZE]" },
	{ "serial", 0, "WHERE", REPEATABLE, CALL(config_add_serial),
	  "serial console, perhaps several: stdio, null, pty,\n"
	  "file=PATH, unix:PATH or fd:N, [,rate=SIZE] (stdio)" },
	{ "console", 0, "WHERE", REPEATABLE, CALL(config_add_console),
	  "likewise a console of virtio (hvc0), which is faster" },
	{ "net", 0, "TAP", REPEATABLE | KEYED | NAME, CALL(config_add_net),
	  "a network card on a tap of the host: tap=NAME or tap=fd:N\n"
	  "[,mac=ADDRESS]" },
	{ "rng", 0, NULL, ONCE, TO(rng), "give the guest the host's entropy by virtio-rng" },
	{ "vsock", 0, "SOCKET", KEYED | NAME, CALL(config_set_vsock),
	  "sockets between guest and host: path=SOCKET[,cid=N];\n"
	  "the guest's connections to port P go to SOCKET_P" },
	{ "isa-debug-exit", 0, NULL, ONCE, TO(debug_exit),
	  "a byte V to port 0xf4 ends with status (V << 1) | 1" },
	{ "watchdog", 0, NULL, ONCE, TO(watchdog),
	  "give the guest a watchdog; a guest that it bites ends with\nstatus 42" },
	{ "qmp", 0, "WHERE", REPEATABLE, CALL(add_qmp),
	  "control by JSON commands: unix:PATH, fd:N or stdio" },
	{ "monitor", 0, "WHERE", REPEATABLE, CALL(add_monitor),
	  "control by typed commands: unix:PATH, fd:N or stdio" },
	{ "sandbox", 0, "HOW", KEYED, CALL(config_set_sandbox),
	  "what a guest that took mvmm over could do: on, log or off\n"
	  "(on), [,allow=DIR]... where object-add may open files" },
	{ "user", 0, "USER", ONCE, TO(sandbox.user),
	  "become it before the guest starts: NAME or UID[:GID]" },
	{ "chroot", 0, "DIR", NAME, TO(sandbox.chroot), "make DIR the root directory then" },
	{ "netns", 0, "NETNS", NAME, TO(sandbox.netns), "enter the network namespace NETNS then" },
	{ "cgroup", 0, "DIR", NAME, TO(sandbox.cgroup), "enter the cgroup whose directory is DIR" },
	{ "kvm", 0, "FILE", NAME, TO(kvm), "the KVM device (/dev/kvm)" },
	{ "platform", 0, "HOW", ONCE, CALL(set_platform),
	  "describe the machine by dt or acpi; auto looks into the\nkernel (auto)" },
	{ "dump-dtb", 0, "FILE", NAME, TO(dump_dtb), "write the device tree to FILE and exit" },
	{ "dump-acpi", 0, "DIR", NAME, TO(dump_acpi), "write the ACPI tables into DIR and exit" },
	{ "dry-run", 0, NULL, ONCE, TO(dry_run),
	  "print memory map, devices and command line, and exit" },
	{ "boot-timer", 0, NULL, ONCE, TO(boot_timer), "print when each phase of the start ended" },
	{ "timeout", 0, "SECONDS", ONCE, CALL(set_timeout),
	  "end a guest that has not ended by then, status 36, and say\nwhere it was" },
	{ "result", 0, "FILE", NAME, TO(result), "write how it ended as JSON to FILE, or to fd:N" },
	{ "ready-fd", 0, "N", ONCE, CALL(set_ready_fd),
	  "write a newline to descriptor N and close it when the guest\nstarts" },
	{ "log-level", 0, "LEVEL", ONCE, CALL(set_log_level),
	  "error, warning, info or debug (warning)" },
	{ "config", 0, "FILE", ONCE, CALL(set_config), "more options, as a JSON object" },
	{ "version", 0, NULL, ONCE, TO(version), "print the version and exit" },
	{ "help", 'h', NULL, ONCE, TO(help), "print this and exit" },
};

#undef TO
#undef CALL

#define N_OPTIONS (sizeof(config_options) / sizeof(config_options[0]))
_Static_assert(N_OPTIONS <= 64, "a bit for each in apply_option");

const unsigned config_n_options = N_OPTIONS;

int config_option_set(const struct config_option *option, struct config *config, const char *value,
		      struct error *err)
{
	char *member = (char *)config + option->at;

	if (option->set)
		return option->set(config, value, err);
	if (option->arg)
		*(const char **)member = value;
	else
		*(bool *)member = true;
	return 0;
}

void config_print_help(FILE *out)
{
	fprintf(out,
		"usage: mvmm --kernel FILE --pmem FILE [OPTION]...\n"
		"Boot Linux in a KVM microVM whose disk is a file mapped into guest memory.\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
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

/* Finds the option that @arg spells, and in *@ret_value what is attached to it (or NULL). */
static const struct config_option *find_option(const char *arg, const char **ret_value)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct config_option *o = &config_options[i];
		size_t len = strlen(o->name);

		if (arg[1] == '-' && strncmp(arg + 2, o->name, len) == 0 &&
		    (arg[2 + len] == '\0' || arg[2 + len] == '=')) {
			*ret_value = arg[2 + len] ? arg + 2 + len + 1 : NULL;
			return o;
		}
		if (o->letter && arg[1] == o->letter) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return o;
		}
	}
	return NULL;
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
		return error_set(err, EINVAL, "%s: unknown option; mvmm --help lists them", arg);
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
	ret = config_option_set(o, config, value, err);
	return ret < 0 ? ret : words;
}

static int check(struct config *config, struct error *err)
{
	unsigned roots = 0, stdio = 0;
	int ret;

	if (!config->kernel)
		return error_set(
			err, EINVAL,
			"--kernel FILE is missing: a bzImage or vmlinux; mvmm --help lists "
			"the options");
	ret = config_finish_pmem(config, err);
	if (ret == 0)
		ret = config_finish_consoles(config, err);
	if (ret == 0)
		ret = config_check_numa(config, err);
	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < config->n_pmem; i++)
		roots += config->pmem[i].root == CONFIG_ROOT_ON;
	for (unsigned i = 0; i < config->n_controls; i++) {
		if (strcmp(config->controls[i].where, "stdio") != 0)
			continue;
		stdio++;
		if (!config->controls[i].hmp && config_has_stdio_console(config))
			return error_set(
				err, EINVAL,
				"--qmp stdio: a console is there already; give it another place "
				"with --serial or --console");
	}
	if (stdio > 1)
		return error_set(
			err, EINVAL,
			"--monitor stdio: standard input is given to %u of --qmp and --monitor; "
			"only one can have it",
			stdio);
	if (roots > 1)
		return error_set(err, EINVAL,
				 "--pmem root=on: is given %u times; only one disk can be the root",
				 roots);
	return 0;
}

/* Where the error is to be told that there was before. */
static void find_result(struct config *config, char **argv)
{
	const char *value;

	for (; *argv && !config->result; argv++)
		if (strncmp(*argv, "--result", 8) == 0 && find_option(*argv, &value))
			config->result = value ? value : argv[1];
}

/* How many words @arg and its value take. */
static int count_words(const struct config_option *o, const char *value)
{
	return o->arg && !value ? 2 : 1;
}

/*
 * What --config names comes first, wherever it is given, so that the command line has the last
 * word: what is allowed once is taken from the file only if it is not given there, the rest is
 * added to.
 */
static int apply_config(struct config *config, char **argv, struct error *err)
{
	const char *where = NULL, *value;
	const struct config_option *o;
	uint64_t given = 0;

	for (int i = 1; argv[i]; i += count_words(o, value)) {
		/* What is wrong with the others is told when it is their turn. */
		if (argv[i][0] != '-' || !(o = find_option(argv[i], &value)))
			break;
		given |= 1ull << (o - config_options);
		if (o->set == set_config)
			where = value ? value : argv[i + 1];
		if (count_words(o, value) == 2 && !argv[i + 1])
			break;
	}
	return where ? config_file_apply(config, where, given, err) : 0;
}

/* A word that may be --config: others need not be looked at twice. */
static bool may_have_config(char **argv)
{
	for (; *argv; argv++)
		if (strncmp(*argv, "--config", strlen("--config")) == 0)
			return true;
	return false;
}

int config_parse(struct config *config, int argc, char **argv, struct error *err)
{
	uint64_t seen = 0;

	*config = (struct config){
		.kvm = "/dev/kvm",
		.memory = MEMORY_DEFAULT,
		.cpus = 1,
		.log_level = LOG_LEVEL_WARNING,
	};
	if (may_have_config(argv) && apply_config(config, argv, err) < 0) {
		find_result(config, argv + 1);
		return -EINVAL;
	}
	for (int i = 1; i < argc;) {
		int words = apply_option(config, argv, i, &seen, err);

		if (words < 0) {
			find_result(config, argv + i + 1);
			return words;
		}
		i += words;
	}
	return config->help || config->version ? 0 : check(config, err);
}

void config_fini(struct config *config)
{
	config_fini_pmem(config);
	config_fini_consoles(config);
	config_fini_net(config);
	config_fini_sandbox(config);
	config_file_fini(config);
	config_fini_vsock(config);
}
