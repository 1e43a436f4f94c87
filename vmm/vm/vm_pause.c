// SPDX-License-Identifier: Apache-2.0
/*
 * Stops all vCPUs and lets them go on. A vCPU leaves the guest within microseconds, unless it waits
 * for the loop or for slow storage. So nobody waits for it: the last one to park tells the loop. A
 * cont that comes before is kept until then.
 */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"

bool vm_is_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		if (!vcpu_is_parked(&vm->vcpus[i]))
			return false;
	return true;
}

void vm_pause_end_if_parked(struct vm *vm)
{
	bool resume = vm->resume_asked;

	if (!vm_is_stopping(vm) || !vm_is_parked(vm))
		return;
	__atomic_store_n(&vm->stopping, false, __ATOMIC_RELAXED);
	vm->resume_asked = false;
	monitor_stopped(&vm->monitor);
	if (resume && vm_resume(vm))
		monitor_resumed(&vm->monitor);
}

static void parked_on_loop(struct event_call *call)
{
	struct vm_parked *parked = container_of(call, struct vm_parked, call);

	__atomic_store_n(&parked->posted, false, __ATOMIC_SEQ_CST);
	vm_pause_end_if_parked(parked->vm);
}

void vm_pause_parked(struct vm *vm, unsigned vcpu)
{
	struct vm_parked *parked = &vm->parked[vcpu];

	/*
	 * The vCPU's lock, which is held here and which vcpu_pause takes, orders this: either the
	 * flag is seen here, or vm_pause sees that the vCPU has parked.
	 */
	if (!vm_is_stopping(vm) || __atomic_exchange_n(&parked->posted, true, __ATOMIC_SEQ_CST))
		return;
	parked->vm = vm;
	parked->call.run = parked_on_loop;
	event_loop_post(&vm->loop, &parked->call);
}

void vm_pause(struct vm *vm)
{
	vm->resume_asked = false;
	if (vm->paused) {
		vm->freeze.resume = false;
		return;
	}
	vm->paused = true;
	__atomic_store_n(&vm->stopping, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_pause(&vm->vcpus[i]);
	vm_pause_end_if_parked(vm);
}

bool vm_resume(struct vm *vm)
{
	/* A guest that hangs stays stopped until the VM ends; after the end no guest runs. */
	if (!vm->paused || vm->hang.timer.due || __atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return false;
	if (vm_freeze_is_under_way(&vm->freeze)) {
		vm->freeze.resume = true;
		return false;
	}
	if (vm_is_stopping(vm)) {
		vm->resume_asked = true;
		return false;
	}
	vm->paused = false;
	vm->prelaunch = false;
	vm->io_error = false;
	boot_timer_mark(vm->timer, BOOT_MARK_ENTERED);
	watchdog_renew(&vm->watchdog.watchdog);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_resume(&vm->vcpus[i]);
	return true;
}
