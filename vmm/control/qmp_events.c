// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/control/test_qmp.c.
/* Events as JSON. */
#include "vmm/control/qmp_events.h"

#include "vmm/base/json_text.h"
#include "vmm/control/qmp_types.h"

#include <string.h>
#include <time.h>

static const struct qmp_event events[] = {
	[MONITOR_EVENT_STOP] = { "STOP", QMP_TYPE_EMPTY },
	[MONITOR_EVENT_RESUME] = { "RESUME", QMP_TYPE_EMPTY },
	[MONITOR_EVENT_POWERDOWN] = { "POWERDOWN", QMP_TYPE_EMPTY },
	[MONITOR_EVENT_SHUTDOWN] = { "SHUTDOWN", "ShutdownData" },
	[MONITOR_EVENT_RESET] = { "RESET", "ShutdownData" },
	[MONITOR_EVENT_GUEST_PANICKED] = { "GUEST_PANICKED", "GuestPanickedData" },
	[MONITOR_EVENT_WATCHDOG] = { "WATCHDOG", "WatchdogData" },
	[MONITOR_EVENT_GUEST_READY] = { "GUEST_READY", QMP_TYPE_EMPTY },
	[MONITOR_EVENT_SAVED] = { "VM_SAVED", "MvmmSavedData" },
	[MONITOR_EVENT_FORKED] = { "VM_FORKED", "MvmmForkedData" },
	[MONITOR_EVENT_RESET_IN_PLACE] = { "VM_RESET", "MvmmJobData" },
	[MONITOR_EVENT_PMEM_FLUSH_ERROR] = { "PMEM_FLUSH_ERROR", "MvmmPmemFlushErrorData" },
	[MONITOR_EVENT_PMEM_IO_ERROR] = { "PMEM_IO_ERROR", "MvmmPmemIoErrorData" },
};

const struct qmp_event *qmp_events_get(unsigned type)
{
	return type < MONITOR_EVENT_TYPES ? &events[type] : NULL;
}

/* The names are those of QEMU's BLOCK_IO_ERROR. */
static json_t *io_error_data(const struct monitor_io_error *error)
{
	json_t *data = json_pack("{s:s,s:b,s:s}", "action", "stop", "nospace", error->nospace,
				 "reason", error->reason);

	if (error->id) {
		json_object_set_new(data, "id", json_text_string(error->id));
		json_object_set_new(data, "file", json_text_string(error->file));
	}
	if (error->has_offset)
		json_object_set_new(data, "offset", json_integer((json_int_t)error->offset));
	return data;
}

static json_t *saved_data(const struct monitor_job *job)
{
	json_t *data = json_object();

	if (job->path)
		json_object_set_new(data, "path", json_text_string(job->path));
	json_object_set_new(data, "bytes", json_integer((json_int_t)job->bytes));
	json_object_set_new(data, "pause", json_integer((json_int_t)job->pause_us));
	return data;
}

static json_t *event_data(const struct monitor_event *event)
{
	switch (event->type) {
	case MONITOR_EVENT_SHUTDOWN:
	case MONITOR_EVENT_RESET:
		return json_pack("{s:b,s:s}", "guest", monitor_cause_is_guest(event->cause),
				 "reason", monitor_cause_names[event->cause]);
	case MONITOR_EVENT_GUEST_PANICKED:
	case MONITOR_EVENT_WATCHDOG:
		return json_pack("{s:s}", "action", event->action);
	case MONITOR_EVENT_SAVED:
		return saved_data(event->job);
	case MONITOR_EVENT_FORKED:
		return json_pack("{s:i,s:I}", "children", (int)event->job->children, "pause",
				 (json_int_t)event->job->pause_us);
	case MONITOR_EVENT_RESET_IN_PLACE:
		return json_pack("{s:I}", "pause", (json_int_t)event->job->pause_us);
	case MONITOR_EVENT_PMEM_FLUSH_ERROR:
		return json_pack("{s:o,s:i,s:s}", "id", json_text_string(event->id), "errno",
				 event->error, "error", strerror(event->error));
	case MONITOR_EVENT_PMEM_IO_ERROR:
		return io_error_data(event->io_error);
	default:
		return NULL;
	}
}

json_t *qmp_events_make(const struct monitor_event *event)
{
	json_t *data = event_data(event), *made;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	made = json_pack("{s:{s:I,s:I},s:s}", "timestamp", "seconds", (json_int_t)now.tv_sec,
			 "microseconds", (json_int_t)now.tv_nsec / 1000, "event",
			 events[event->type].name);
	if (data)
		json_object_set_new(made, "data", data);
	return made;
}
