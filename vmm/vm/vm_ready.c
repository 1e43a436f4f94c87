// SPDX-License-Identifier: Apache-2.0
/* Tells clients and the launcher that the guest's user space is up. Start reading at user_space. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"
#include "vmm/host/ready.h"

static void notify_ready(struct vm *vm)
{
	if (vm->guest_ready.notified)
		return;
	vm->guest_ready.notified = true;
	monitor_guest_ready(&vm->monitor);
	if (vm->ready)
		ready_notify_guest(vm->ready);
}

static void notify_ready_on_loop(struct event_call *call)
{
	notify_ready(container_of(call, struct vm, guest_ready.call));
}

static void user_space(struct boot_timer_listener *listener)
{
	struct vm *vm = container_of(listener, struct vm, guest_ready.listener);

	event_loop_post(&vm->loop, &vm->guest_ready.call);
}

void vm_ready_init(struct vm *vm)
{
	vm->guest_ready.listener.user_space = user_space;
	vm->guest_ready.call.run = notify_ready_on_loop;
	vm->timer->listener = &vm->guest_ready.listener;
}

void vm_ready_finish(struct vm *vm)
{
	if (vm->timer->ns[BOOT_MARK_USER_SPACE])
		notify_ready(vm);
}
