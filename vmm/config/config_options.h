/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options, used by the command line (config.c) and by --config (config_file.c). A
 * value is the text that the command line takes, a number or switch of JSON, or a list of keys.
 */
#pragma once

#include "vmm/config/config.h"
#include "vmm/config/property.h"

enum config_option_how {
	ONCE = 0,
	REPEATABLE = 1,
	QEMU_RULES = 2, /* its keys may be given again, or without a value (KEYVAL_QEMU) */
	NAME = 4,	/* its value, or the first key's, is a name or text: no number or switch */
	READ_FIRST = 8, /* a file with options, which other options override */
	ALL_NAMED = 16, /* its first value needs a key, too */
	REPORTS = 32,	/* where or how errors are reported: taken even if another is wrong */
	MACHINE = 64,	/* what the machine is, so that a snapshot has it: not with --restore */
};

#define CONFIG_MAX_KEYS 40

/* The value of an option with keys. Texts live as long as the config. */
struct config_keys {
	const char *option; /* "--pmem", for messages */
	const char *given;  /* all of it, as the user wrote it */
	struct keyval list[CONFIG_MAX_KEYS];
	unsigned n;
};

struct config_option {
	const char *name;
	char letter;	 /* or 0 */
	const char *arg; /* what it takes, or NULL */
	unsigned how;	 /* of enum config_option_how */
	/* Takes the value. If it is NULL, the text itself, or true for an option without a value,
	 * is put into the config at @at. */
	int (*set)(struct config *config, const char *value, struct error *err);
	size_t at;
	/* Takes the keys of an option that has them: those of @properties, at most @max_keys. If it
	 * is NULL, the property sets the value. */
	int (*set_keys)(struct config *config, const struct config_keys *keys, struct error *err);
	const struct property *properties;
	unsigned max_keys;
	const char *help;
};

/* The options with keys of one part each: config_cpus.c, config_net.c and so on. -errno with @err
 * set. */
extern const struct property config_net_properties[], config_vsock_properties[];
extern const struct property config_cpus_properties[], config_sandbox_properties[];
extern const struct property config_restore_properties[];
int config_set_cpus(struct config *config, const struct config_keys *keys, struct error *err);
int config_add_net(struct config *config, const struct config_keys *keys, struct error *err);
int config_set_vsock(struct config *config, const struct config_keys *keys, struct error *err);
int config_set_restore(struct config *config, const struct config_keys *keys, struct error *err);
int config_set_sandbox(struct config *config, const struct config_keys *keys, struct error *err);

extern const struct config_option config_options[];

/* A copy of @text that lives as long as @config; NULL without memory. */
const char *config_keep(struct config *config, const char *text);

/* Whether the option can be given together with those before it. -EINVAL with @err set. */
int config_option_check(const struct config_option *option, const struct config *config,
			const char *value, struct error *err);

/*
 * @value, whose key is ignored, has a text that is borrowed; NULL for an option without a value.
 * -EINVAL with @err set.
 */
int config_option_set(const struct config_option *option, struct config *config,
		      const struct keyval *value, struct error *err);

/* The option that @name was probably meant to be, or NULL. */
const char *config_option_closest(const char *name);

extern const unsigned config_n_options; /* at most 64, because masks of them are uint64_t */
