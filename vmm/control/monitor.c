// SPDX-License-Identifier: Apache-2.0
/* The interface between the VM and its control plane: checks actions, and sends events. */
#include "vmm/control/monitor.h"

#include "vmm/base/clock.h"
#include "vmm/base/file_lock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define FLUSH_ERRORS_A_SECOND 10

void monitor_init(struct monitor *monitor, const struct monitor_ops *ops)
{
	*monitor = (struct monitor){ .ops = ops };
}

void monitor_listen(struct monitor *monitor, struct monitor_listener *listener)
{
	listener->prev = NULL;
	listener->next = monitor->listeners;
	if (listener->next)
		listener->next->prev = listener;
	monitor->listeners = listener;
}

void monitor_unlisten(struct monitor *monitor, struct monitor_listener *listener)
{
	if (listener->prev)
		listener->prev->next = listener->next;
	else
		monitor->listeners = listener->next;
	if (listener->next)
		listener->next->prev = listener->prev;
}

static void send_event(struct monitor *monitor, const struct monitor_event *event)
{
	struct monitor_listener *listener = monitor->listeners;

	while (listener) {
		struct monitor_listener *next = listener->next;

		listener->event(listener, event);
		listener = next;
	}
}

void monitor_stopped(struct monitor *monitor)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_STOP });
}

void monitor_resumed(struct monitor *monitor)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_RESUME });
}

void monitor_was_reset(struct monitor *monitor, enum monitor_cause cause)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_RESET, .cause = cause });
}

void monitor_guest_panicked(struct monitor *monitor, const char *action)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_GUEST_PANICKED,
						     .action = action });
}

void monitor_watchdog(struct monitor *monitor, const char *action)
{
	send_event(monitor,
		   &(struct monitor_event){ .type = MONITOR_EVENT_WATCHDOG, .action = action });
}

void monitor_guest_ready(struct monitor *monitor)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_GUEST_READY });
}

void monitor_shutdown(struct monitor *monitor, enum monitor_cause cause)
{
	if (monitor->shutdown_sent)
		return;
	monitor->shutdown_sent = true;
	send_event(monitor,
		   &(struct monitor_event){ .type = MONITOR_EVENT_SHUTDOWN, .cause = cause });
}

void monitor_flush_failed(struct monitor *monitor, const char *id, int error)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	if (!monitor->flush_errors_sent || now - monitor->flush_errors_since_ns >= NS_PER_S) {
		monitor->flush_errors_since_ns = now;
		monitor->flush_errors_sent = 0;
	}
	if (monitor->flush_errors_sent == FLUSH_ERRORS_A_SECOND)
		return;
	monitor->flush_errors_sent++;
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_PMEM_FLUSH_ERROR,
						     .id = id,
						     .error = error });
}

void monitor_io_error(struct monitor *monitor, const struct monitor_io_error *error)
{
	send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_PMEM_IO_ERROR,
						     .io_error = error });
}

void monitor_job_ended(struct monitor *monitor, enum monitor_event_type type,
		       const struct monitor_job *job)
{
	monitor->job = NULL;
	/* Nobody waits for the event yet. */
	if (monitor->beginning && job->error) {
		error_set(monitor->beginning, ECANCELED, "%s", job->error);
		monitor->failed = true;
	}
	send_event(monitor, &(struct monitor_event){ .type = type, .job = job });
}

bool monitor_wait_ends(int wait, const struct monitor_event *event)
{
	return (wait == MONITOR_WAIT_STOP && event->type == MONITOR_EVENT_STOP) ||
	       (wait == MONITOR_WAIT_JOB && event->job);
}

static int begin_job(struct monitor *monitor, const char *command, struct error *err)
{
	if (monitor->ops->state(monitor) == MONITOR_SHUTDOWN)
		return error_set(err, ESHUTDOWN, "%s: the VM has ended", command);
	if (monitor->job)
		return error_set(err, EBUSY,
				 "%s: %s%s is under way; try again when it has been answered",
				 command, strcmp(command, monitor->job) == 0 ? "another " : "",
				 monitor->job);
	monitor->job = command;
	monitor->beginning = err;
	monitor->failed = false;
	return 0;
}

/* @ret is what the beginning returned; the job may have ended within it. */
static int await_job(struct monitor *monitor, int ret)
{
	monitor->beginning = NULL;
	if (ret == 0 && monitor->failed)
		ret = -ECANCELED;
	if (ret < 0)
		monitor->job = NULL;
	return monitor->job ? MONITOR_WAIT_JOB : ret;
}

int monitor_save(struct monitor *monitor, const struct monitor_save *to, struct error *err)
{
	int ret = begin_job(monitor, "vm-save", err);

	if (ret == 0)
		return await_job(monitor, monitor->ops->save(monitor, to, err));
	if (!to->path) {
		file_lock_close(to->state_fd);
		file_lock_close(to->memory_fd);
	}
	return ret;
}

int monitor_reset_in_place(struct monitor *monitor, struct error *err)
{
	int ret = begin_job(monitor, "vm-reset", err);

	return ret < 0 ? ret : await_job(monitor, monitor->ops->reset_in_place(monitor, err));
}

int monitor_fork(struct monitor *monitor, const int *sockets, unsigned n, struct error *err)
{
	int ret = begin_job(monitor, "vm-fork", err);

	if (ret == 0)
		return await_job(monitor, monitor->ops->fork(monitor, sockets, n, err));
	for (unsigned i = 0; i < n; i++)
		file_lock_close(sockets[i]);
	return ret;
}

int monitor_pause(struct monitor *monitor, struct error *err)
{
	int ret;

	/* As in QEMU, it is not an error to stop a VM that does not run. */
	if (monitor->ops->state(monitor) != MONITOR_RUNNING)
		return 0;
	ret = monitor->ops->pause(monitor, err);
	if (ret < 0)
		return ret;
	return monitor->ops->state(monitor) == MONITOR_RUNNING ? MONITOR_WAIT_STOP : 0;
}

int monitor_resume(struct monitor *monitor, struct error *err)
{
	/* Even of a VM that runs: it may be about to stop. */
	return monitor->ops->resume(monitor, err);
}

int monitor_powerdown(struct monitor *monitor, struct error *err)
{
	int ret = monitor->ops->powerdown(monitor, err);

	if (ret == 0)
		send_event(monitor, &(struct monitor_event){ .type = MONITOR_EVENT_POWERDOWN });
	return ret;
}

static bool find_device(struct monitor *monitor, const char *id)
{
	struct monitor_memory_device device;

	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &device) == 0; i++)
		if (*id && strcmp(device.id, id) == 0)
			return true;
	return false;
}

int monitor_device_add(struct monitor *monitor, const struct memory_device *device,
		       struct error *err)
{
	if (find_device(monitor, device->id))
		return error_set(err, EEXIST, "Duplicate device ID '%s'", device->id);
	if (!*device->memdev)
		return error_set(err, EINVAL, "'memdev' property must be set");
	return monitor->ops->device_add(monitor, device, err);
}

int monitor_device_del(struct monitor *monitor, const char *id, struct error *err)
{
	if (!find_device(monitor, id))
		return error_set(err, ENODEV, "Device '%s' not found", id);
	return error_set(err, ENOTSUP, "virtio based memory devices cannot be unplugged.");
}

const char *const monitor_state_names[] = {
	[MONITOR_PRELAUNCH] = "prelaunch",
	[MONITOR_RUNNING] = "running",
	[MONITOR_PAUSED] = "paused",
	[MONITOR_IO_ERROR] = "io-error",
	[MONITOR_SHUTDOWN] = "shutdown",
	[MONITOR_GUEST_PANICKED] = "guest-panicked",
	[MONITOR_INTERNAL_ERROR] = "internal-error",
	NULL,
};

const char *const monitor_cause_names[] = {
	[MONITOR_HOST_ERROR] = "host-error",
	[MONITOR_HOST_QUIT] = "host-qmp-quit",
	[MONITOR_HOST_RESET] = "host-qmp-system-reset",
	[MONITOR_HOST_SIGNAL] = "host-signal",
	[MONITOR_HOST_UI] = "host-ui",
	[MONITOR_GUEST_SHUTDOWN] = "guest-shutdown",
	[MONITOR_GUEST_RESET] = "guest-reset",
	[MONITOR_GUEST_PANIC] = "guest-panic",
	NULL,
};

bool monitor_cause_is_guest(enum monitor_cause cause)
{
	return cause >= MONITOR_GUEST_SHUTDOWN;
}

uint64_t monitor_plugged_memory(struct monitor *monitor)
{
	struct monitor_memory_device device;
	uint64_t plugged = 0;

	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &device) == 0; i++)
		plugged += device.size;
	return plugged;
}
