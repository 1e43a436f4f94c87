/* SPDX-License-Identifier: Apache-2.0 */
/* QMP's commands: one table, which also answers query-commands and query-qmp-schema. */
#ifndef MVMM_VMM_QMP_COMMANDS_H
#define MVMM_VMM_QMP_COMMANDS_H

#include "vmm/base/error.h"
#include "vmm/control/monitor.h"

#include <jansson.h>
#include <stdbool.h>

struct qmp_command {
	const char *name;
	const char *arguments; /* their type */
	const char *answer;    /* its type, perhaps in brackets */
	/*
	 * @arguments fit their type. 0 or 1 with *@ret_answer the caller's (NULL for an empty
	 * object); 1: to be sent once the VM has stopped. -errno with @err set; -ENODEV is
	 * DeviceNotFound.
	 */
	int (*run)(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		   struct error *err);
	bool open; /* run looks after arguments that the type lacks */
};

/* By index until NULL, and by name; NULL if there is none. */
const struct qmp_command *qmp_commands_get(unsigned i);
const struct qmp_command *qmp_commands_find(const char *name);

/* Checks @arguments, which may be NULL for none, and runs the command; answers as run's. */
int qmp_commands_run(const struct qmp_command *command, struct monitor *monitor, json_t *arguments,
		     json_t **ret_answer, struct error *err);

/* What query-version answers and the greeting contains. */
json_t *qmp_commands_version(void);

#endif
