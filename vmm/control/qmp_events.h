/* SPDX-License-Identifier: Apache-2.0 */
/* The VM's events as QMP sends them. */
#pragma once

#include "vmm/control/monitor.h"

#include <jansson.h>

struct qmp_event {
	const char *name;
	const char *data; /* its type */
};

/* The event of enum monitor_event_type @type; NULL if there is none. */
const struct qmp_event *qmp_events_get(unsigned type);

/* The event with the current time; the caller's, NULL without memory. */
json_t *qmp_events_make(const struct monitor_event *event);
