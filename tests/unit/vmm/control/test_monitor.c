// SPDX-License-Identifier: Apache-2.0
/* What clients of all kinds share: who hears of events, and which actions are refused. */
#include "vmm/control/monitor.h"

#include "tests/support/fake_vm.h"

static struct fake_vm vm;
static struct error err;

/* The events that were heard, oldest first. */
static struct monitor_event events[16];
static unsigned n_events;

static void note_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	cr_assert(n_events < ARRAY_SIZE(events));
	events[n_events++] = *event;
}

static struct monitor_listener listener = { .event = note_event };

static void setup(void)
{
	fake_vm_init(&vm);
	monitor_listen(&vm.monitor, &listener);
}

Test(monitor, events, .init = setup)
{
	const struct monitor_io_error fault = { .id = "d0", .reason = "why" };

	monitor_stopped(&vm.monitor);
	monitor_resumed(&vm.monitor);
	monitor_was_reset(&vm.monitor, MONITOR_GUEST_RESET);
	monitor_guest_panicked(&vm.monitor, "pause");
	monitor_watchdog(&vm.monitor, "reset");
	monitor_io_error(&vm.monitor, &fault);
	monitor_flush_failed(&vm.monitor, "d1", EIO);
	monitor_shutdown(&vm.monitor, MONITOR_GUEST_PANIC);
	check_eq(n_events, 8);
	check_eq(events[0].type, MONITOR_EVENT_STOP);
	check_eq(events[1].type, MONITOR_EVENT_RESUME);
	check_eq(events[2].type, MONITOR_EVENT_RESET);
	check_eq(events[2].cause, MONITOR_GUEST_RESET);
	check_eq(events[3].type, MONITOR_EVENT_GUEST_PANICKED);
	check_str(events[3].action, "pause");
	check_eq(events[4].type, MONITOR_EVENT_WATCHDOG);
	check_str(events[4].action, "reset");
	check_eq(events[5].type, MONITOR_EVENT_PMEM_IO_ERROR);
	cr_assert(events[5].io_error == &fault);
	check_eq(events[6].type, MONITOR_EVENT_PMEM_FLUSH_ERROR);
	check_str(events[6].id, "d1");
	check_eq(events[6].error, EIO);
	check_eq(events[7].type, MONITOR_EVENT_SHUTDOWN);
	check_eq(events[7].cause, MONITOR_GUEST_PANIC);
	/* The end comes once, for whatever reason. */
	monitor_shutdown(&vm.monitor, MONITOR_HOST_SIGNAL);
	check_eq(n_events, 8);
}

/* A disk that fails all the time does not fill anybody's log. */
Test(monitor, flush_errors_are_limited, .init = setup)
{
	for (unsigned i = 0; i < 100; i++)
		monitor_flush_failed(&vm.monitor, "d1", EIO);
	check_eq(n_events, 10);
	monitor_stopped(&vm.monitor);
	check_eq(n_events, 11, "others are told");
	/* A second later there is room again. */
	vm.monitor.flush_errors_since_ns -= 1000000000;
	monitor_flush_failed(&vm.monitor, "d2", ENOSPC);
	check_eq(n_events, 12);
	check_str(events[11].id, "d2");
}

struct counter {
	struct monitor_listener listener;
	unsigned heard;
	bool leaves; /* at the next event */
};

static void count(struct monitor_listener *which, const struct monitor_event *event)
{
	struct counter *counter = container_of(which, struct counter, listener);

	counter->heard++;
	if (counter->leaves)
		monitor_unlisten(&vm.monitor, which);
}

/* Each in turn goes, from within an event and from outside: first, between others, last. */
Test(monitor, listeners_come_and_go)
{
	for (unsigned gone = 0; gone < 3; gone++) {
		for (unsigned within = 0; within < 2; within++) {
			struct counter c[3] = { { .listener.event = count },
						{ .listener.event = count },
						{ .listener.event = count } };

			fake_vm_init(&vm);
			monitor_stopped(&vm.monitor);
			for (unsigned i = 0; i < 3; i++)
				monitor_listen(&vm.monitor, &c[i].listener);
			c[gone].leaves = within;
			monitor_stopped(&vm.monitor);
			if (!within)
				monitor_unlisten(&vm.monitor, &c[gone].listener);
			monitor_stopped(&vm.monitor);
			for (unsigned i = 0; i < 3; i++)
				check_eq(c[i].heard, i == gone ? 1 : 2, "%u of %u", i, gone);
			for (unsigned i = 0; i < 3; i++)
				if (i != gone)
					monitor_unlisten(&vm.monitor, &c[i].listener);
			check_eq(vm.monitor.listeners, NULL);
		}
	}
}

/* As in QEMU, to stop what does not run, or to start what does, is no error, and does nothing. */
Test(monitor, pause_and_resume, .init = setup)
{
	check_eq(monitor_resume(&vm.monitor, &err), 0);
	check_eq(vm.resumes, 0);
	check_eq(monitor_pause(&vm.monitor, &err), 0);
	check_eq(monitor_pause(&vm.monitor, &err), 0);
	check_eq(vm.pauses, 1);
	check_eq(monitor_resume(&vm.monitor, &err), 0);
	check_eq(vm.resumes, 1);
	vm.state = MONITOR_SHUTDOWN;
	check_eq(monitor_pause(&vm.monitor, &err), 0);
	check_eq(vm.pauses, 1, "it ends");
}

Test(monitor, pause_that_takes_time, .init = setup)
{
	vm.slow_stop = true;
	check_eq(monitor_pause(&vm.monitor, &err), 1);
	check_eq(n_events, 0);
	fake_vm_stopped(&vm);
	check_eq(n_events, 1);
}

Test(monitor, refusals_of_the_vm, .init = setup)
{
	const struct memory_device device = { .id = "d", .memdev = "m" };

	fake_vm_refuse(&vm, EBUSY, "not now");
	check_eq(monitor_pause(&vm.monitor, &err), -EBUSY);
	check_eq(monitor_powerdown(&vm.monitor, &err), -EBUSY);
	check_eq(monitor_device_add(&vm.monitor, &device, &err), -EBUSY);
	vm.state = MONITOR_PAUSED;
	check_eq(monitor_resume(&vm.monitor, &err), -EBUSY);
	check_str(err.text, "not now");
	check_eq(n_events, 0, "what was not done is not told");
	vm.refusal_code = 0;
	check_eq(monitor_powerdown(&vm.monitor, &err), 0);
	check_eq(n_events, 1);
	check_eq(events[0].type, MONITOR_EVENT_POWERDOWN);
}

/* As a VM that is stopped does: whoever has asked is told by the answer, since he does not wait. */
Test(monitor, job_that_fails_while_it_begins, .init = setup)
{
	vm.job_error = "it cannot be now";
	check_eq(monitor_reset_in_place(&vm.monitor, &err), -ECANCELED);
	check_str(err.text, "it cannot be now");
	check_eq(monitor_save(&vm.monitor, &(struct monitor_save){ .path = "x" }, &err),
		 -ECANCELED);
	vm.job_error = NULL;
	check_eq(monitor_reset_in_place(&vm.monitor, &err), 0, "there is nothing to wait for");
	vm.slow_save = true;
	check_eq(monitor_reset_in_place(&vm.monitor, &err), MONITOR_WAIT_JOB);
	fake_vm_was_put_back(&vm, "too late for that");
	check_str(err.text, "it cannot be now"); /* the event says so */
	check_eq(n_events, 4);
}

static int device_add(const char *id, const char *memdev)
{
	struct memory_device device = { 0 };

	snprintf(device.id, sizeof(device.id), "%s", id);
	snprintf(device.memdev, sizeof(device.memdev), "%s", memdev);
	return monitor_device_add(&vm.monitor, &device, &err);
}

Test(monitor, devices, .init = setup)
{
	char path[] = "f";
	const struct memory_backend backend = { .id = "m", .path = path, .size = 4 << 20 };

	check_eq(vm.monitor.ops->object_add(&vm.monitor, &backend, &err), 0);
	check_eq(device_add("nv1", "m"), -EEXIST);
	check_str(err.text, "Duplicate device ID 'nv1'");
	check_eq(device_add("nv2", ""), -EINVAL);
	check_str(err.text, "'memdev' property must be set");
	check_eq(vm.n_devices, 1);
	check_eq(monitor_plugged_memory(&vm.monitor), 64 << 20);
	check_eq(device_add("", "m"), 0);
	check_eq(device_add("", "m"), 0, "many may have no id");
	check_eq(monitor_plugged_memory(&vm.monitor), 72 << 20);
	check_eq(monitor_device_del(&vm.monitor, "nv1", &err), -ENOTSUP);
	check_str(err.text, "virtio based memory devices cannot be unplugged.");
	check_eq(monitor_device_del(&vm.monitor, "nv9", &err), -ENODEV);
	check_str(err.text, "Device 'nv9' not found");
	check_eq(monitor_device_del(&vm.monitor, "", &err), -ENODEV, "no id names nothing");
}

Test(monitor, words_of_qemu)
{
	check_str(monitor_state_names[MONITOR_PRELAUNCH], "prelaunch");
	check_str(monitor_state_names[MONITOR_RUNNING], "running");
	check_str(monitor_state_names[MONITOR_PAUSED], "paused");
	check_str(monitor_state_names[MONITOR_IO_ERROR], "io-error");
	check_str(monitor_state_names[MONITOR_SHUTDOWN], "shutdown");
	check_str(monitor_state_names[MONITOR_GUEST_PANICKED], "guest-panicked");
	check_str(monitor_state_names[MONITOR_INTERNAL_ERROR], "internal-error");
	check_str(monitor_cause_names[MONITOR_HOST_ERROR], "host-error");
	check_str(monitor_cause_names[MONITOR_HOST_QUIT], "host-qmp-quit");
	check_str(monitor_cause_names[MONITOR_HOST_RESET], "host-qmp-system-reset");
	check_str(monitor_cause_names[MONITOR_HOST_SIGNAL], "host-signal");
	check_str(monitor_cause_names[MONITOR_HOST_UI], "host-ui");
	check_str(monitor_cause_names[MONITOR_GUEST_SHUTDOWN], "guest-shutdown");
	check_str(monitor_cause_names[MONITOR_GUEST_RESET], "guest-reset");
	check_str(monitor_cause_names[MONITOR_GUEST_PANIC], "guest-panic");
	for (enum monitor_cause cause = MONITOR_HOST_ERROR; cause <= MONITOR_GUEST_PANIC; cause++)
		check_eq(monitor_cause_is_guest(cause),
			 strncmp(monitor_cause_names[cause], "guest-", 6) == 0);
}
