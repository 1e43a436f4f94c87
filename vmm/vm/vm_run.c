// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/outcomes.
/* Runs a VM, from the start of its threads to their end. Start reading at vm_run. */
#include "vmm/vm/vm_run.h"

#include "vmm/base/container_of.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/log.h"
#include "vmm/base/time_slice.h"
#include "vmm/host/ready.h"
#include "vmm/host/terminal.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_state.h"

#include <string.h>

static struct vm *vm_of_vcpu(struct vcpu *vcpu)
{
	return container_of(vcpu - vcpu->id, struct vm, vcpus[0]);
}

static void vcpu_ended(struct vcpu *vcpu, enum outcome outcome, const char *detail)
{
	struct vm *vm = vm_of_vcpu(vcpu);

	/* Without its memory a guest cannot even take the exception. */
	if (outcome == OUTCOME_TRIPLE_FAULT && ram_has_lost_its_file(&vm->ram))
		vm_finish(vm, OUTCOME_STORAGE_FAULT, 0, VM_LACKS_MEMORY);
	else
		vm_finish(vm, outcome, 0, detail);
}

static void vcpu_parked(struct vcpu *vcpu)
{
	vm_pause_parked(vm_of_vcpu(vcpu), vcpu->id);
}

static void vcpu_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
	vm_fault(vm_of_vcpu(vcpu), vcpu->id, gpa);
}

static bool vcpu_lacks_page(struct vcpu *vcpu)
{
	return vm_fault_has_cause(vm_of_vcpu(vcpu));
}

static int vcpu_begins(struct vcpu *vcpu)
{
	return vm_confine_vcpu(vm_of_vcpu(vcpu), vcpu);
}

const struct vcpu_ops vm_vcpu_ops = {
	.begins = vcpu_begins,
	.ended = vcpu_ended,
	.fault = vcpu_fault,
	.lacks_page = vcpu_lacks_page,
	.parked = vcpu_parked,
};

static void start_console(struct vm *vm)
{
	int ret;

	vm_consoles_take_terminal(vm);
	/* After the terminal has set its action for SIGBUS, which all other accesses keep. */
	ret = guarded_copy_init();
	if (ret < 0)
		log_warning("cannot install the handler of SIGBUS: %s; a page that the host cannot "
			    "supply may end mvmm",
			    strerror(-ret));
	vm_consoles_start(vm);
}

/* No vCPU runs the guest until all threads exist and are confined. */
static int start_vcpus(struct vm *vm)
{
	int ret = 0;

	vm->paused = true;
	for (unsigned i = 0; i < vm->n_vcpus && ret == 0; i++) {
		vcpu_pause(&vm->vcpus[i]);
		ret = vcpu_start(&vm->vcpus[i]);
	}
	return ret;
}

static void start_guest(struct vm *vm)
{
	ready_notify(vm->ready, vm->prelaunch ? "The guest waits for cont" : "The guest runs");
	if (!vm->prelaunch)
		vm_resume(vm);
}

static void start(struct vm *vm)
{
	int ret;

	start_console(vm);
	if (start_vcpus(vm) < 0) {
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot start a vCPU's thread");
		return;
	}
	/*
	 * Threads inherit the slice. The vCPUs' must not, so they start before; io_uring's must,
	 * so they start after.
	 */
	if (vm_freeze_start(vm) < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot start the thread of --snapshots");
	ret = time_slice_shorten();
	if (ret < 0)
		log_info("cannot shorten the event loop's time slice: %s", strerror(-ret));
	if (vm_confine_thread(vm) < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0,
			  "cannot install the sandbox's system call filter for the event loop's "
			  "thread");
	else
		start_guest(vm);
}

static void stop_threads(struct vm *vm)
{
	/* First, so that no vCPU waits for the loop when it is stopped. */
	event_loop_close(&vm->loop);
	vm_freeze_finish(vm);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	vm_pause_end_if_parked(vm);
	vm_devices_finish(vm);
}

/* Clients get the event of the end, and what the guest wrote last. */
static void report_end_to_clients(struct vm *vm)
{
	vm_ready_finish(vm);
	if (vm->end.outcome == OUTCOME_GUEST_PANIC)
		monitor_guest_panicked(&vm->monitor, "poweroff");
	monitor_shutdown(&vm->monitor, vm_finish_cause(vm->end.outcome));
	vm_consoles_leave_monitor(vm);
	control_drain(&vm->control);
	vm_consoles_drain(vm);
}

void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end)
{
	int ret;

	vm->ready = ready;
	signals_start(&vm->signals);
	start(vm);
	vm_hang_start_timeout(vm);
	ret = event_loop_run(&vm->loop);
	if (ret < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "io_uring failed");
	boot_timer_mark(vm->timer, BOOT_MARK_END);
	stop_threads(vm);
	report_end_to_clients(vm);
	terminal_restore();
	vm_end_report(vm);
	*ret_end = vm->end;
}
