/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM tells, as QMP's events. */
#ifndef MVMM_VMM_QMP_EVENTS_H
#define MVMM_VMM_QMP_EVENTS_H

#include "vmm/control/monitor.h"

#include <jansson.h>

struct qmp_event {
	const char *name;
	const char *data; /* its type */
};

/* By its enum monitor_event_type; NULL if there is none. */
const struct qmp_event *qmp_events_get(unsigned type);

/* The event with the time of now; the caller's, NULL without memory. */
json_t *qmp_events_make(const struct monitor_event *event);

#endif
