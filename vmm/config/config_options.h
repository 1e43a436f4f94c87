/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options, for who reads them: the command line (config.c) and --config
 * (config_file.c). Each value comes as the text that the command line takes, whoever brings it.
 */
#ifndef MVMM_VMM_CONFIG_OPTIONS_H
#define MVMM_VMM_CONFIG_OPTIONS_H

#include "vmm/config/config.h"

enum config_option_how {
	ONCE = 0,
	REPEATABLE = 1,
	KEYED = 2, /* its value has the form key=value,key=value */
	NAME = 4,  /* its value, or the first key's, is a name or text: no number or switch */
};

struct config_option {
	const char *name;
	char letter;	 /* or 0 */
	const char *arg; /* what it takes, or NULL */
	unsigned how;	 /* of enum config_option_how */
	/* Takes the value; where it is NULL, the text itself is put into the config at @at, or, of
	 * an option that takes none, true. */
	int (*set)(struct config *config, const char *value, struct error *err);
	size_t at;
	const char *help;
};

extern const struct config_option config_options[];
/* @value is borrowed; NULL for an option that takes none. -EINVAL with @err set: it is refused. */
int config_option_set(const struct config_option *option, struct config *config, const char *value,
		      struct error *err);

extern const unsigned config_n_options; /* at most 64: there are masks of them */

#endif
