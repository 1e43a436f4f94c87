/* SPDX-License-Identifier: Apache-2.0 */
/* QMP's commands: one table, which also answers query-commands and query-qmp-schema. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/control/monitor.h"

#include <jansson.h>
#include <stdbool.h>

struct qmp_command {
	const char *name;
	const char *arguments; /* the name of their type */
	const char *answer;    /* its type, perhaps in brackets */
	/* One of these runs it; if there is none, the session does (qmp.c). */
	json_t *(*query)(struct monitor *monitor);		/* the answer is the caller's */
	int (*act)(struct monitor *monitor, struct error *err); /* as monitor.h's actions */
	/* As act, with arguments that have been checked against the type. */
	int (*run)(struct monitor *monitor, json_t *arguments, struct error *err);
	bool open; /* run checks arguments that the type lacks */
};

/* By index until NULL, and by name; NULL if there is none. */
const struct qmp_command *qmp_commands_get(unsigned i);
const struct qmp_command *qmp_commands_find(const char *name);

/*
 * Checks @arguments, which may be NULL for none, and runs the command. 0 with *@ret_answer the
 * caller's (NULL for an empty object, and for a command that the session runs); MONITOR_WAIT_*: the
 * answer, an empty object, is to be sent then. -errno with @err set; -ENODEV is
 * DeviceNotFound.
 */
int qmp_commands_run(const struct qmp_command *command, struct monitor *monitor, json_t *arguments,
		     json_t **ret_answer, struct error *err);

/* The answer to query-version, which the greeting contains, too. */
json_t *qmp_commands_version(void);
