// SPDX-License-Identifier: Apache-2.0
/* Runs a VM: from the start of its threads to their end. Start reading at vm_run. */
#include "vmm/vm/vm_run.h"

#include "vmm/base/container_of.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/log.h"
#include "vmm/base/time_slice.h"
#include "vmm/host/ready.h"
#include "vmm/host/terminal.h"
#include "vmm/vm/vm_consoles.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_extras.h"
#include "vmm/vm/vm_fault.h"
#include "vmm/vm/vm_monitor.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_timeout.h"

#include <string.h>

static struct vm *vm_of_vcpu(struct vcpu *vcpu)
{
	return container_of(vcpu - vcpu->id, struct vm, vcpus[0]);
}

static void vcpu_ended(struct vcpu *vcpu, enum outcome outcome, const char *detail)
{
	vm_finish(vm_of_vcpu(vcpu), outcome, 0, detail);
}

static void vcpu_parked(struct vcpu *vcpu)
{
	event_loop_nudge(&vm_of_vcpu(vcpu)->loop);
}

static void vcpu_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
	vm_fault(vm_of_vcpu(vcpu), vcpu->id, gpa);
}

static int vcpu_begins(struct vcpu *vcpu)
{
	return vm_confine_vcpu(vm_of_vcpu(vcpu));
}

const struct vcpu_ops vm_vcpu_ops = {
	.begins = vcpu_begins,
	.ended = vcpu_ended,
	.fault = vcpu_fault,
	.parked = vcpu_parked,
};

bool vm_is_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		if (!vcpu_is_parked(&vm->vcpus[i]))
			return false;
	return true;
}

static bool are_all_parked(struct event_condition *condition)
{
	return vm_is_parked(container_of(condition, struct vm, all_parked));
}

void vm_pause(struct vm *vm)
{
	if (vm->paused)
		return;
	vm->paused = true;
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_pause(&vm->vcpus[i]);
	vm->all_parked.met = are_all_parked;
	event_loop_serve(&vm->loop, &vm->all_parked);
}

void vm_resume(struct vm *vm)
{
	/* One that hangs stands still until its end. */
	if (!vm->paused || vm->hang.op.done)
		return;
	vm->paused = false;
	vm->io_error = false;
	watchdog_renew(&vm->watchdog.watchdog);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_resume(&vm->vcpus[i]);
}

static void start_console(struct vm *vm)
{
	int ret;

	vm_consoles_take_terminal(vm);
	/* Behind the terminal's action for SIGBUS, which stays that of all other accesses. */
	ret = guarded_copy_init();
	if (ret < 0)
		log_warning("cannot handle SIGBUS: %s", strerror(-ret));
	vm_consoles_start(vm);
}

/* Until all threads are there and confined, none of them runs the guest. */
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

static void enter(struct vm *vm, struct ready *ready)
{
	ready_tell(ready);
	boot_timer_mark(vm->timer, BOOT_MARK_ENTERED);
	vm_resume(vm);
}

static void start(struct vm *vm, struct ready *ready)
{
	int ret;

	start_console(vm);
	if (start_vcpus(vm) < 0) {
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot start a vCPU's thread");
		return;
	}
	/* After the vCPUs' threads, which would have it too; before io_uring's, which shall. */
	ret = time_slice_shorten();
	if (ret < 0)
		log_info("the event loop keeps its time slice: %s", strerror(-ret));
	if (vm_confine_thread(vm) < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot confine the event loop's thread");
	else
		enter(vm, ready);
}

static void stop(struct vm *vm)
{
	/* First nobody waits for the loop any more, then the vCPUs can be waited for. */
	event_loop_close(&vm->loop);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	vm_extras_finish(vm);
}

/* Those who listen hear of the end, and have what the guest wrote last. */
static void tell_end(struct vm *vm)
{
	if (vm->end.outcome == OUTCOME_GUEST_PANIC)
		monitor_guest_panicked(&vm->monitor, "poweroff");
	monitor_shutdown(&vm->monitor, vm_monitor_cause(vm->end.outcome));
	control_drain(&vm->control);
	vm_consoles_drain(vm);
}

void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end)
{
	int ret;

	start(vm, ready);
	vm_timeout_start(vm);
	ret = event_loop_run(&vm->loop);
	if (ret < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "io_uring failed");
	boot_timer_mark(vm->timer, BOOT_MARK_END);
	stop(vm);
	tell_end(vm);
	terminal_restore();
	vm_end_report(vm);
	*ret_end = vm->end;
}
