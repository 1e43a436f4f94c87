// SPDX-License-Identifier: Apache-2.0
/* A VM that stands still and goes on, with two vCPUs that count. */
#include "vmm/vm/vm_state.h"

#include "tests/support/vm_counting.h"

#include <semaphore.h>

TestSuite(vm_pause, .timeout = 20);

static struct vm_fixture f;
static unsigned stops, resumes;

static void note_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	stops += event->type == MONITOR_EVENT_STOP;
	resumes += event->type == MONITOR_EVENT_RESUME;
}

static struct monitor_listener listener = { .event = note_event };

static void setup(void)
{
	vm_fixture_init(&f, "-m 64M -c 2 -p a --platform acpi --serial null");
	vm_counting_load(f.vm);
	monitor_listen(&f.vm->monitor, &listener);
}

static void teardown(void)
{
	event_loop_close(&f.vm->loop);
	for (unsigned i = 0; i < f.vm->n_vcpus; i++)
		vcpu_stop(&f.vm->vcpus[i]);
	monitor_unlisten(&f.vm->monitor, &listener);
	vm_fixture_fini(&f);
}

/* Nobody was started, so nobody has to be waited for. */
Test(vm_pause, before_the_start, .init = setup, .fini = teardown)
{
	cr_assert(vm_is_parked(f.vm));
	vm_pause(f.vm);
	cr_assert(vm_is_parked(f.vm));
	check_eq(f.vm->paused, true);
	vm_resume(f.vm);
	check_eq(f.vm->paused, false);
}

Test(vm_pause, stands_still_and_goes_on, .init = setup, .fini = teardown)
{
	uint32_t counted;

	vm_counting_start(f.vm);
	for (unsigned i = 0; i < 10; i++) {
		vm_counting_await(f.vm);
		cr_assert_not(vm_is_parked(f.vm));
		vm_fixture_pause(&f);
		cr_assert(vm_is_parked(f.vm));
		check_eq(stops, i + 1);
		counted = vm_counting(f.vm);
		vm_pause(f.vm);
		cr_assert(vm_is_parked(f.vm));
		check_eq(stops, i + 1);
		check_eq(vm_counting(f.vm), counted, "round %u", i);
		vm_resume(f.vm);
		vm_resume(f.vm);
	}
	vm_counting_await(f.vm);
}

/* A register whose access waits on the vCPU's thread, as one that needs slow storage does. */
#define SLOW_PORT 0x700

static sem_t entered, released;

static void slow_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	sem_post(&entered);
	while (sem_wait(&released) < 0)
		; /* EINTR: vcpu_pause's signal */
}

static const struct bus_ops slow_ops = { .thread = BUS_ON_VCPU, .write = slow_write };
static struct bus_region slow = { SLOW_PORT, 1, &slow_ops };

/* vCPU 0 waits, and counts when it goes on. */
static void start_slow_vcpu(void)
{
	static const uint8_t code[] = {
		0x66, 0xba, 0x00, 0x07,		    /* mov dx, 0x700 */
		0xee,				    /* out dx, al */
		0xff, 0x05, 0x00, 0x60, 0x00, 0x00, /* inc dword [0x6000] */
		0xeb, 0xf8,			    /* jmp to it */
	};

	sem_init(&entered, 0, 0);
	sem_init(&released, 0, 0);
	check_eq(bus_add(&f.vm->ports, &slow), 0);
	vm_counting_load_code(f.vm, code, sizeof(code));
	vm_counting_start(f.vm);
	while (sem_wait(&entered) < 0)
		;
}

/*
 * bad input: Control socket: stop while a vCPU waits for slow storage -> nobody else waits, and
 * stop is answered when the vCPU has left the guest
 */
Test(vm_pause, slow_vcpu_holds_up_nobody, .init = setup, .fini = teardown)
{
	start_slow_vcpu();
	vm_pause(f.vm);
	vm_fixture_run_loop(&f, 20);
	check_eq(vm_is_stopping(f.vm), true);
	check_eq(f.vm->monitor.ops->state(&f.vm->monitor), MONITOR_RUNNING);
	vm_pause(f.vm);
	check_eq(vm_is_stopping(f.vm), true);
	check_eq(stops, 0);
	sem_post(&released);
	while (!stops)
		vm_fixture_run_loop(&f, 1);
	cr_assert(vm_is_parked(f.vm));
	check_eq(vm_counting(f.vm), 0, "the access was the last thing");
	check_eq(f.vm->monitor.ops->state(&f.vm->monitor), MONITOR_PAUSED);
	vm_resume(f.vm);
	check_eq(f.vm->monitor.ops->state(&f.vm->monitor), MONITOR_RUNNING);
	vm_counting_await(f.vm);
	vm_fixture_pause(&f);
	check_eq(stops, 2);
}

static int cont(void)
{
	struct error err;

	return monitor_resume(&f.vm->monitor, &err);
}

/*
 * bad input: Control socket: cont before all vCPUs have left the guest for stop -> the guest goes
 * on when they have left it, unless another stop comes first
 */
Test(vm_pause, cont_while_it_stops, .init = setup, .fini = teardown)
{
	start_slow_vcpu();
	vm_pause(f.vm);
	check_eq(cont(), 0);
	check_eq(resumes, 0);
	sem_post(&released);
	while (!stops)
		vm_fixture_run_loop(&f, 1);
	check_eq(stops, 1);
	check_eq(resumes, 1);
	vm_counting_await(f.vm);
	check_eq(cont(), 0);
	check_eq(resumes, 1, "it runs already");
}

Test(vm_pause, last_of_stop_and_cont_counts, .init = setup, .fini = teardown)
{
	start_slow_vcpu();
	vm_pause(f.vm);
	check_eq(cont(), 0);
	vm_pause(f.vm);
	sem_post(&released);
	while (!stops)
		vm_fixture_run_loop(&f, 1);
	vm_fixture_run_loop(&f, 20);
	check_eq(resumes, 0);
	check_eq(f.vm->monitor.ops->state(&f.vm->monitor), MONITOR_PAUSED);
}

/* Who waits for the stop is answered when no guest instruction can run any more. */
Test(vm_pause, vm_ends_while_it_stops, .init = setup, .fini = teardown)
{
	start_slow_vcpu();
	vm_pause(f.vm);
	check_eq(cont(), 0);
	f.vm->monitor.ops->quit(&f.vm->monitor);
	vm_pause_end_if_parked(f.vm);
	check_eq(stops, 0, "the vCPU is still in its access");
	sem_post(&released);
	event_loop_close(&f.vm->loop);
	for (unsigned i = 0; i < f.vm->n_vcpus; i++)
		vcpu_stop(&f.vm->vcpus[i]);
	vm_pause_end_if_parked(f.vm);
	check_eq(stops, 1);
	check_eq(resumes, 0);
}

Test(vm_pause, cont_after_the_end, .init = setup, .fini = teardown)
{
	vm_counting_start(f.vm);
	vm_fixture_pause(&f);
	f.vm->monitor.ops->quit(&f.vm->monitor);
	check_eq(cont(), 0);
	check_eq(resumes, 0);
	check_eq(f.vm->paused, true);
}

/* Why it was paused is over with cont, and the watchdog does not count the time. */
Test(vm_pause, resume_begins_anew, .init = setup, .fini = teardown)
{
	vm_pause(f.vm);
	f.vm->io_error = true;
	vm_resume(f.vm);
	check_eq(f.vm->io_error, false);
}
