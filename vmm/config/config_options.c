// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/config/test_config.c.
/*
 * The table of all options, and the simple ones' values. Options with keys have files of their own.
 * Start reading at the table, config_options.
 */
#include "vmm/config/config_options.h"

#include "vmm/base/array.h"
#include "vmm/base/closest_word.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/keyval.h"
#include "vmm/config/config_console.h"
#include "vmm/config/config_numa.h"
#include "vmm/config/config_pmem.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const platforms[] = {
	[BOOT_PLATFORM_AUTO] = "auto",
	[BOOT_PLATFORM_DT] = "dt",
	[BOOT_PLATFORM_ACPI] = "acpi",
	NULL,
};

static const char *const log_levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

static const char *const all_cpu_features[] = {
	[CONFIG_CPU_FEATURES_DEFAULT] = "default",
	[CONFIG_CPU_FEATURES_HOST] = "host",
	NULL,
};

static const char *const log_formats[] = {
	[LOG_FORMAT_TEXT] = "text",
	[LOG_FORMAT_JSON] = "json",
	NULL,
};

#define AT(member) .at = offsetof(struct config, member)

/* Values of options without keys. */
static const struct property platform = { "platform",	       PROPERTY_ENUM,
					  AT(platform),	       "must be auto, dt or acpi",
					  .values = platforms, .bare = true };
static const struct property cpu_features = { "cpu-features",
					      PROPERTY_ENUM,
					      AT(cpu_features),
					      "must be default or host",
					      .values = all_cpu_features,
					      .bare = true };
static const struct property log_level = {
	"log-level",	      PROPERTY_ENUM, AT(log_level), "must be error, warning, info or debug",
	.values = log_levels, .bare = true
};
static const struct property log_format = { "log-format",	   PROPERTY_ENUM,
					    AT(log_format),	   "must be text or json",
					    .values = log_formats, .bare = true };
/* Up to 366 days. */
static const struct property timeout = {
	"timeout", PROPERTY_NUMBER, AT(timeout), "must be a number of seconds from 1 to 31622400",
	1,	   31622400,	    .bare = true
};

#define DESCRIPTOR(name, member)                                                                   \
	{                                                                                          \
		name, PROPERTY_NUMBER, AT(member),                                                 \
			"must be the number of a descriptor that mvmm is started with",            \
			.max = INT_MAX, .bare = true                                               \
	}

static const struct property ready_fd = DESCRIPTOR("ready-fd", ready_fd);
static const struct property guest_ready_fd = DESCRIPTOR("guest-ready-fd", guest_ready_fd);
static const struct property life_fd = DESCRIPTOR("life-fd", life_fd);

static int refuse_control(const char *option, const char *value, struct error *err)
{
	struct closest_word closest = { .typed = value };

	closest_word_try(&closest, "stdio");
	if (closest.word)
		return error_set(err, EINVAL,
				 "--%s %s: did you mean stdio? There are unix:PATH, fd:N "
				 "and stdio",
				 option, value);
	return error_set(
		err, EINVAL, "--%s %s: there are unix:PATH, fd:N and stdio%s%s", option, value,
		*value && value[strlen(value) - 1] != ':' ? "; a socket of this name is unix:" : "",
		value);
}

static int add_control(struct config *c, bool hmp, const char *value, struct error *err)
{
	bool is_unix = strncmp(value, "unix:", 5) == 0 && value[5];

	if (!is_unix && !file_argument_is_fd(value) && strcmp(value, "stdio") != 0)
		return refuse_control(hmp ? "monitor" : "qmp", value, err);
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

static int set_name(struct config *c, const char *value, struct error *err)
{
	size_t len = strlen(value);
	bool plain = true;

	/* It is in all messages, and a terminal takes other characters for commands. */
	for (size_t i = 0; i < len; i++)
		plain &= value[i] >= ' ' && value[i] <= '~';
	if (!plain || !len || len > LOG_NAME_MAX)
		return error_set(err, EINVAL,
				 "--name %s: must be 1 to 64 printable characters of ASCII", value);
	c->name = value;
	return 0;
}

_Static_assert(LOG_NAME_MAX == 64, "as the message says");

static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static int set_uuid(struct config *c, const char *value, struct error *err)
{
	char *copy;

	if (!is_uuid(value))
		return error_set(err, EINVAL,
				 "--uuid %s: must be like 12345678-9abc-def0-1234-56789abcdef0; "
				 "uuidgen makes one",
				 value);
	copy = (char *)(uintptr_t)config_keep(c, value);
	if (!copy)
		return error_set(err, ENOMEM, "--uuid %s: out of memory", value);
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->uuid = copy;
	return 0;
}

/* config_parse has read the file already, before the first option was set. */
static int set_config(struct config *c, const char *value, struct error *err)
{
	return 0;
}

#define TO(member) NULL, offsetof(struct config, member), NULL, NULL, 0
#define CALL(function) function, 0, NULL, NULL, 0
#define VALUE(property) NULL, 0, NULL, &(property), 0
#define KEYS(function, properties, max) NULL, 0, function, properties, max

const struct config_option config_options[] = {
	{ "name", 0, "NAME", NAME | REPORTS, CALL(set_name),
	  "what messages, QMP and --result call the virtual machine" },
	{ "uuid", 0, "UUID", NAME | REPORTS, CALL(set_uuid),
	  "the UUID that QMP and --result show" },
	{ "kernel", 'k', "FILE", NAME | MACHINE, TO(kernel),
	  "kernel to boot: a bzImage or an ELF vmlinux" },
	{ "initrd", 0, "FILE", NAME | MACHINE, TO(initrd), "initial RAM disk" },
	{ "append", 0, "TEXT", NAME | MACHINE, TO(append), "added to the kernel's command line" },
	{ "memory", 'm', "SIZE", MACHINE, KEYS(config_set_memory, config_memory_properties, 4),
	  "guest RAM, with K, M or G behind the number (256M):\n"
	  "SIZE[,maxmem=SIZE][,slots=N][,fork=on|off]" },
	{ "cpus", 'c', "N", MACHINE, KEYS(config_set_cpus, config_cpus_properties, 4),
	  "number of vCPUs, 1 to 32 (1):\n"
	  "N[,sockets=N][,cores=N][,threads=N]" },
	{ "cpu-features", 0, "WHICH", MACHINE, VALUE(cpu_features),
	  "default, or host: all that the host's KVM supports, such as\n"
	  "nested virtualization and performance counters (default)" },
	{ "pmem", 'p', "FILE", REPEATABLE | NAME, KEYS(config_add_pmem, config_pmem_properties, 12),
	  "a disk: file=FILE[,size=SIZE][,id=ID][,readonly=on|off]\n"
	  "[,share=on|off][,lock=on|off][,prealloc=on|off]\n"
	  "[,root=on|off][,addr=ADDRESS][,align=SIZE][,node=N]; the\n"
	  "first is the root disk" },
	{ "object", 0, "BACKEND", REPEATABLE | QEMU_RULES | MACHINE,
	  KEYS(config_add_object, memory_backend_properties, 12),
	  "a disk's file in QEMU's spelling: memory-backend-file,id=ID,\n"
	  "mem-path=FILE,size=SIZE[,share=on|off][,readonly=on|off]\n"
	  "[,lock=on|off][,prealloc=on|off][,align=SIZE]" },
	{ "device", 0, "DEVICE", REPEATABLE | QEMU_RULES | MACHINE,
	  KEYS(config_add_device, memory_device_properties, 12),
	  "the disk with that file: virtio-pmem,memdev=ID[,id=ID]\n"
	  "[,memaddr=ADDRESS][,node=N]" },
	{ "numa", 0, "NODE", REPEATABLE | QEMU_RULES | ALL_NAMED | MACHINE,
	  KEYS(config_add_numa, config_numa_properties, CONFIG_MAX_KEYS),
	  "a NUMA node: node=N[,cpus=FIRST[-LAST]]...[,memory=SIZE]" },
	{ "serial", 0, "WHERE", REPEATABLE, CALL(config_add_serial),
	  "serial console, perhaps several: stdio, null, pty,\n"
	  "file=PATH, unix:PATH or fd:N, [,rate=SIZE] (stdio)" },
	{ "console", 0, "WHERE", REPEATABLE, CALL(config_add_console),
	  "likewise a console of virtio (hvc0), which is faster" },
	{ "net", 0, "TAP", REPEATABLE | NAME, KEYS(config_add_net, config_net_properties, 2),
	  "a network card on a tap of the host: tap=NAME or tap=fd:N\n"
	  "[,mac=ADDRESS]" },
	{ "rng", 0, NULL, MACHINE, TO(rng), "give the guest the host's entropy by virtio-rng" },
	{ "vsock", 0, "SOCKET", NAME, KEYS(config_set_vsock, config_vsock_properties, 2),
	  "sockets between guest and host: path=SOCKET[,cid=N];\n"
	  "the guest's connections to port P go to SOCKET_P" },
	{ "isa-debug-exit", 0, NULL, MACHINE, TO(debug_exit),
	  "a byte V to port 0xf4 ends with status (V << 1) | 1" },
	{ "watchdog", 0, NULL, MACHINE, TO(watchdog),
	  "give the guest a watchdog; a guest that lets it expire ends\nwith status 42" },
	{ "qmp", 0, "WHERE", REPEATABLE, CALL(add_qmp),
	  "control by JSON commands: unix:PATH, fd:N or stdio" },
	{ "monitor", 0, "WHERE", REPEATABLE, CALL(add_monitor),
	  "control by typed commands: unix:PATH, fd:N or stdio" },
	{ "paused", 0, NULL, ONCE, TO(paused),
	  "start the guest when --qmp or --monitor says cont" },
	{ "snapshots", 0, "DIR", NAME, TO(snapshots),
	  "the directory below which vm-save makes snapshots" },
	{ "restore", 0, "DIR", NAME | READ_FIRST,
	  KEYS(config_set_restore, config_restore_properties, 4),
	  "start the VM that was saved to DIR, instead of --kernel:\n"
	  "DIR[,clock=realtime|saved] (saved); or with\n"
	  "state=fd:N,memory=fd:M, or fd:N, a socket for vm-fork" },
	{ "sandbox", 0, "HOW", QEMU_RULES,
	  KEYS(config_set_sandbox, config_sandbox_properties, 1 + SANDBOX_MAX_ALLOWED),
	  "what a guest that took mvmm over could do: on, log or off\n"
	  "(on), [,allow=DIR]... where object-add may open files" },
	{ "user", 0, "USER", ONCE, TO(sandbox.user),
	  "change to USER before the guest starts: NAME or UID[:GID]" },
	{ "chroot", 0, "DIR", NAME, TO(sandbox.chroot), "make DIR the root directory then" },
	{ "netns", 0, "NETNS", NAME, TO(sandbox.netns), "enter the network namespace NETNS then" },
	{ "cgroup", 0, "DIR", NAME, TO(sandbox.cgroup), "enter the cgroup whose directory is DIR" },
	{ "kvm", 0, "FILE", NAME, TO(kvm), "the KVM device (/dev/kvm)" },
	{ "platform", 0, "HOW", MACHINE, VALUE(platform),
	  "describe the machine by dt or acpi; auto looks into the\nkernel (auto)" },
	{ "dump-dtb", 0, "FILE", NAME | MACHINE, TO(dump_dtb),
	  "write the device tree to FILE and exit" },
	{ "dump-acpi", 0, "DIR", NAME | MACHINE, TO(dump_acpi),
	  "write the ACPI tables into DIR and exit" },
	{ "dry-run", 0, NULL, MACHINE, TO(dry_run),
	  "print memory map, devices and command line, and exit" },
	{ "boot-timer", 0, NULL, ONCE, TO(boot_timer), "print when each phase of the start ended" },
	{ "timeout", 0, "SECONDS", ONCE, VALUE(timeout),
	  "end a guest that has not ended by then, status 36, and say\nwhere it was" },
	{ "result", 0, "FILE", NAME | REPORTS, TO(result),
	  "write how it ended as JSON to FILE, or to fd:N" },
	{ "ready-fd", 0, "N", ONCE, VALUE(ready_fd),
	  "write a newline to descriptor N and close it when the guest\nstarts" },
	{ "guest-ready-fd", 0, "N", ONCE, VALUE(guest_ready_fd),
	  "likewise when the guest says that its user space is up" },
	{ "life-fd", 0, "N", ONCE, VALUE(life_fd),
	  "end when the other end of the pipe that is descriptor N is\nclosed, as by SIGTERM" },
	{ "die-with-parent", 0, NULL, ONCE, TO(die_with_parent),
	  "end when the process that started mvmm ends, as by SIGTERM" },
	{ "log-level", 0, "LEVEL", ONCE, VALUE(log_level),
	  "error, warning, info or debug (warning)" },
	{ "log-format", 0, "FORMAT", REPORTS, VALUE(log_format),
	  "text, or json: an object in a line for each message (text)" },
	{ "config", 0, "FILE", READ_FIRST, CALL(set_config), "more options, as a JSON object" },
	{ "version", 0, NULL, ONCE, TO(version), "print the version and exit" },
	{ "help", 'h', NULL, ONCE, TO(help), "print this and exit" },
};

#undef TO
#undef CALL
#undef VALUE
#undef KEYS

#define N_OPTIONS ARRAY_SIZE(config_options)
_Static_assert(N_OPTIONS <= 64, "there are masks of them");

const unsigned config_n_options = N_OPTIONS;

const char *config_option_closest(const char *name)
{
	struct closest_word closest = { .typed = name };

	for (unsigned i = 0; i < N_OPTIONS; i++)
		closest_word_try(&closest, config_options[i].name);
	return closest.word;
}

const char *config_keep(struct config *config, const char *text)
{
	size_t size = strlen(text) + 1;
	struct config_text *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return NULL;
	memcpy(copy->text, text, size);
	copy->next = config->texts;
	config->texts = copy;
	return copy->text;
}

/* Sets the one property, or copies a text and cuts it into keys; a typed value is the first's. */
static int set_by_properties(const struct config_option *option, struct config *config,
			     const struct keyval *value, struct error *err)
{
	const struct property *first = option->properties;
	const char *implied = option->how & ALL_NAMED ? NULL : first->name, *given = value->value;
	struct config_keys keys = { .given = given };
	char name[NAME_MAX];
	char *text;
	int n = 1;

	snprintf(name, sizeof(name), "--%s", option->name);
	if (!option->set_keys)
		return property_set(first, config, value, name, err);
	text = (char *)(uintptr_t)config_keep(config, given);
	if (!text)
		return error_set(err, ENOMEM, "%s %s: out of memory", name, given);
	keys.option = name;
	/* property_set says more about an empty size than that it has no value. */
	if (implied && (value->type != KEYVAL_TEXT || (!*given && first->type == PROPERTY_SIZE)))
		keys.list[0] = (struct keyval){ implied, given, value->type, value->number };
	else
		n = keyval_parse(text, option->how & QEMU_RULES ? KEYVAL_QEMU : KEYVAL_STRICT, name,
				 implied, keys.list, option->max_keys, err);
	if (n < 0)
		return n;
	keys.n = (unsigned)n;
	if (implied && first->type == PROPERTY_NAME && !property_find(first, keys.list[0].key)) {
		char hint[NAME_MAX];

		snprintf(hint, sizeof(hint), "; a name with a '=' in it is given as %s=NAME",
			 implied);
		return property_refuse_unknown(first, &keys.list[0], name, hint, err);
	}
	return option->set_keys(config, &keys, err);
}

int config_option_check(const struct config_option *option, const struct config *config,
			const char *value, struct error *err)
{
	if (!config->restore.where || !(option->how & MACHINE))
		return 0;
	return error_set(
		err, EINVAL,
		"--%s%s%s: cannot be used with --restore, because the machine is as it was "
		"saved; leave it out",
		option->name, value ? " " : "", value ? value : "");
}

int config_option_set(const struct config_option *option, struct config *config,
		      const struct keyval *value, struct error *err)
{
	char *member = (char *)config + option->at;

	if (config_option_check(option, config, value->value, err) < 0)
		return -EINVAL;
	if (option->properties)
		return set_by_properties(option, config, value, err);
	if (option->set)
		return option->set(config, value->value, err);
	if (option->arg)
		*(const char **)member = value->value;
	else
		*(bool *)member = true;
	return 0;
}
