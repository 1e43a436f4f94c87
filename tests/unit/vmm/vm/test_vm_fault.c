// SPDX-License-Identifier: Apache-2.0
/* Pages that the host cannot supply: whose they are, who is told, and what becomes of the VM. */
#include "vmm/vm/vm_state.h"

#include "tests/support/driver.h"
#include "tests/support/vm_counting.h"

#include <errno.h>

TestSuite(vm_fault, .timeout = 20);

/* Where the first disk, odd, and the second, a, are: 4 MiB each for the guest. */
#define ODD 0x100000000ULL
#define A 0x100400000ULL
#define TRUNCATED "the file was truncated"
#define UNKNOWN "the host does not say why"

static struct vm_fixture f;
static struct vm *vm;

/* What was heard last. */
static struct monitor_io_error heard;
static unsigned n_errors, n_stops;

static void note_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	if (event->type == MONITOR_EVENT_PMEM_IO_ERROR) {
		cr_assert(n_stops == 0 || n_errors > 0, "the reason comes first");
		heard = *event->io_error;
		n_errors++;
	}
	n_stops += event->type == MONITOR_EVENT_STOP;
}

static struct monitor_listener listener = { .event = note_event };

static void setup(void)
{
	vm_fixture_init(&f, "-m 64M -c 2 -p odd,id=nv1 -p a --platform acpi --serial null");
	vm = f.vm;
	vm_counting_load(vm);
	monitor_listen(&vm->monitor, &listener);
	driver_log_capture();
}

static void setup_controlled(void)
{
	setup();
	vm->controlled = true;
}

static void teardown(void)
{
	event_loop_close(&vm->loop);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	monitor_unlisten(&vm->monitor, &listener);
	vm_fixture_fini(&f);
}

static void fault_at(uint64_t gpa)
{
	vm_fault(vm, 0, &gpa);
}

/* What was posted to the loop is done before a timer that is set afterwards. */
static void settle(void)
{
	vm_fixture_run_loop(&f, 1);
}

/*
 * bad input: Backing file: an image is truncated, the guest uses what is gone, and there is no QMP
 * or HMP to say cont -> the VM ends, and the message names the file, the offset and the cause
 */
Test(vm_fault, ends_the_vm, .init = setup, .fini = teardown)
{
	check_eq(truncate("a", 0x2000), 0);
	fault_at(A + 0x3123);
	settle();
	check_eq(vm->ended, true);
	check_eq(vm->end.outcome, OUTCOME_STORAGE_FAULT);
	check_str(vm->end.detail, "pmem1: the host cannot supply offset 0x3123 of a: " TRUNCATED);
	check_eq(n_errors, 0);
	check_str(driver_log_text(), "");
}

Test(vm_fault, stops_the_vm, .init = setup_controlled, .fini = teardown)
{
	uint32_t counted;

	check_eq(truncate("odd", 0), 0);
	vm_counting_start(vm);
	vm_counting_await(vm);
	fault_at(ODD + 0x1000);
	settle();
	check_eq(vm->ended, false);
	check_eq(vm->io_error, true);
	while (!n_stops)
		settle();
	cr_assert(vm_is_parked(vm));
	check_eq(n_errors, 1);
	check_eq(n_stops, 1);
	check_str(heard.id, "nv1");
	check_str(heard.file, "odd");
	check_eq(heard.has_offset, true);
	check_eq(heard.offset, 0x1000);
	check_eq(heard.nospace, false);
	check_str(heard.reason, TRUNCATED);
	check_contains(driver_log_text(),
		       "nv1: the host cannot supply offset 0x1000 of odd: " TRUNCATED
		       "; the guest is stopped: remove the cause, then send cont\n");
	/* The next one, of another vCPU on its way here, is told, too; it stands still already. */
	counted = vm_counting(vm);
	vm_fault(vm, 1, NULL);
	settle();
	check_eq(n_errors, 2);
	check_eq(n_stops, 1);
	check_eq(vm_counting(vm), counted);
	vm_resume(vm);
	check_eq(vm->io_error, false);
	vm_counting_await(vm);
}

/* Its first byte and its last, and those beside them. */
Test(vm_fault, whose_it_is, .init = setup_controlled, .fini = teardown)
{
	static const struct {
		uint64_t gpa;
		const char *id;
		uint64_t offset;
	} cases[] = {
		{ ODD, "nv1", 0 },
		{ A, "pmem1", 0 },
		{ A + (4 << 20) - 1, "pmem1", (4 << 20) - 1 },
		{ A + (4 << 20), NULL, 0 },
		{ ODD - 1, NULL, 0 },
		{ 0, NULL, 0 },
		{ UINT64_MAX, NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fault_at(cases[i].gpa);
		settle();
		check_eq(n_errors, i + 1);
		check_str(heard.reason, UNKNOWN);
		if (cases[i].id) {
			check_str(heard.id, cases[i].id);
			check_eq(heard.has_offset, true);
			check_eq(heard.offset, cases[i].offset);
		} else {
			check_eq(heard.id, NULL, "0x%llx", (unsigned long long)cases[i].gpa);
			check_eq(heard.file, NULL);
			check_eq(heard.has_offset, false);
		}
	}
	check_contains(driver_log_text(),
		       "the host cannot supply guest memory at 0xffffffffffffffff; the guest");
}

/* Before Linux 6.8 KVM does not say where: the files are asked. */
Test(vm_fault, nobody_tells_where, .init = setup_controlled, .fini = teardown)
{
	vm_fault(vm, 0, NULL);
	settle();
	check_eq(heard.id, NULL);
	check_contains(driver_log_text(),
		       "the host cannot supply a page of guest memory (from Linux "
		       "6.8 on KVM says which one), and no disk's file shows why;");
	check_eq(truncate("a", 0), 0);
	vm_fault(vm, 0, NULL);
	settle();
	check_str(heard.id, "pmem1");
	check_eq(heard.has_offset, false);
	check_str(heard.reason, TRUNCATED);
	check_contains(driver_log_text(),
		       "pmem1: the host cannot supply a page of a (from Linux 6.8 "
		       "on KVM says which one): " TRUNCATED ";");
	/* Of several the first. */
	check_eq(truncate("odd", 0), 0);
	vm_fault(vm, 0, NULL);
	settle();
	check_str(heard.id, "nv1");
}

/* Of a vCPU that may only spin. */
Test(vm_fault, says_whether_a_file_has_a_cause, .init = setup_controlled, .fini = teardown)
{
	check_eq(vm_fault_has_cause(vm), false);
	check_eq(truncate("a", 0), 0);
	check_eq(vm_fault_has_cause(vm), true);
	settle();
	check_eq(n_errors, 0);
}

/* A vCPU that faults again before the loop has heard of it is told once. */
Test(vm_fault, faults_that_pile_up, .init = setup_controlled, .fini = teardown)
{
	fault_at(ODD);
	fault_at(A);
	vm_fault(vm, 1, NULL);
	settle();
	check_eq(n_errors, 2);
	check_eq(n_stops, 1);
	fault_at(A);
	settle();
	check_eq(n_errors, 3);
	check_str(heard.id, "pmem1");
}

Test(vm_fault, of_a_vm_that_has_ended, .init = setup_controlled, .fini = teardown)
{
	vm_finish(vm, OUTCOME_POWER_OFF, 0, "over");
	check_eq(event_loop_run(&vm->loop), 0);
	fault_at(ODD);
	settle();
	check_eq(n_errors, 0);
	check_str(vm->end.detail, "over");
}
