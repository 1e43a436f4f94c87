// SPDX-License-Identifier: Apache-2.0
/* The guest's user space: told to clients and to the launcher, once, also right before the end. */
#include "vmm/vm/vm_state.h"

#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "tests/support/vm_counting.h"
#include "vmm/host/ready.h"
#include "vmm/vm/vm_run.h"

TestSuite(vm_ready, .timeout = 20);

static struct vm_fixture f;
static struct ready ready;
static int ends[2];
static unsigned heard, ended_afterwards;

static void note_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	heard += event->type == MONITOR_EVENT_GUEST_READY;
	ended_afterwards += event->type == MONITOR_EVENT_SHUTDOWN && heard;
}

static struct monitor_listener listener = { .event = note_event };

static void setup(void)
{
	struct error err;

	vm_fixture_init(&f, "-m 64M --serial null");
	monitor_listen(&f.vm->monitor, &listener);
	check_eq(pipe(ends), 0);
	check_eq(ready_open(&ready, -1, ends[1], &err), 0);
	f.vm->ready = &ready;
}

static void teardown(void)
{
	monitor_unlisten(&f.vm->monitor, &listener);
	ready_fini(&ready);
	vm_fixture_fini(&f);
}

/* What a vCPU's thread does. */
static void mark(uint64_t value)
{
	bus_write(&f.vm->ports, LAYOUT_BOOT_TIMER_PORT, 1, value);
}

static void expect_notified(void)
{
	char text[8];

	check_eq(heard, 1);
	check_eq(read(ends[0], text, sizeof(text)), 1);
	check_eq(read(ends[0], text, sizeof(text)), 0, "the descriptor is closed");
}

Test(vm_ready, while_the_guest_runs, .init = setup, .fini = teardown)
{
	mark(1);
	vm_fixture_run_loop(&f, 1);
	check_eq(heard, 0);
	mark(2);
	check_eq(heard, 0, "not on the vCPU's thread");
	vm_fixture_run_loop(&f, 1);
	mark(2);
	vm_fixture_run_loop(&f, 1);
	vm_ready_finish(f.vm);
	expect_notified();
}

/* The loop ends before it has told anybody. */
Test(vm_ready, right_before_the_end, .init = setup, .fini = teardown)
{
	struct vm_end end;

	vm_counting_load(f.vm);
	f.vm->prelaunch = true;
	vm_finish(f.vm, OUTCOME_POWER_OFF, 0, "");
	event_loop_close(&f.vm->loop);
	mark(2);
	vm_run(f.vm, &ready, &end);
	expect_notified();
	check_eq(ended_afterwards, 1);
}

Test(vm_ready, never, .init = setup, .fini = teardown)
{
	mark(1);
	vm_ready_finish(f.vm);
	check_eq(heard, 0);
}
