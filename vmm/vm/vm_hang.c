// SPDX-License-Identifier: Apache-2.0
/*
 * The end of a guest that hangs, all on the event loop: vm_hang_end takes the vCPUs out of the
 * guest, look waits until they are, finish tells where they were. The loop goes on meanwhile, since
 * a vCPU may need it to finish a register access.
 */
#include "vmm/vm/vm_hang.h"

#include "boot/elf_symbols.h"
#include "vmm/base/container_of.h"
#include "vmm/base/log.h"
#include "vmm/kvm/vcpu_x86.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_run.h"
#include "vmm/vm/vm_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A vCPU leaves the guest within microseconds, unless the host holds it up, for storage say. */
#define LOOKS 200
#define BETWEEN_LOOKS_NS 10000000

static void tell_vcpu(const struct vm *vm, const struct vcpu *vcpu)
{
	char name[ELF_SYMBOLS_NAME], symbol[ELF_SYMBOLS_NAME + 24] = "";
	struct vcpu_x86_place place;
	uint64_t offset;

	if (!vcpu_is_parked(vcpu)) {
		log_error("vCPU %u: the host holds it up, for storage perhaps", vcpu->id);
		return;
	}
	if (vcpu_x86_place(vcpu, &place) < 0) {
		log_error("vCPU %u: KVM does not tell where it was", vcpu->id);
		return;
	}
	if (!place.started) {
		log_error("vCPU %u: never started by the guest", vcpu->id);
		return;
	}
	if (elf_symbols_find(vm->machine->source.kernel.fd, place.rip, name, &offset) == 0)
		snprintf(symbol, sizeof(symbol), " (%s+0x%" PRIx64 ")", name, offset);
	log_error("vCPU %u: %s at 0x%" PRIx64 "%s%s", vcpu->id, place.halted ? "halted" : "running",
		  place.rip, symbol, place.interrupts_on ? "" : ", interrupts off");
}

static void tell_console(struct vm *vm)
{
	char text[CONSOLE_TAIL_SIZE + 2], *rest = text;

	console_tail_text(&vm->console_tail, text);
	if (!*text)
		log_error("console: nothing");
	for (char *line = strsep(&rest, "\n"); line && rest; line = strsep(&rest, "\n"))
		log_error("console: %s", line);
}

static void finish(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		tell_vcpu(vm, &vm->vcpus[i]);
	tell_console(vm);
	vm_finish(vm, vm->hang.outcome, 0, vm->hang.detail);
}

static void await_next_look(struct vm *vm)
{
	vm->hang.delay = (struct __kernel_timespec){ .tv_nsec = BETWEEN_LOOKS_NS };
	event_loop_delay(&vm->loop, &vm->hang.op, &vm->hang.delay);
}

static void look(struct event_op *op, int result)
{
	struct vm *vm = container_of(op, struct vm, hang.op);

	(void)result;
	if (__atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return;
	if (!vm_is_parked(vm) && ++vm->hang.looks < LOOKS)
		await_next_look(vm);
	else
		finish(vm);
}

void vm_hang_end(struct vm *vm, enum outcome outcome, const char *detail)
{
	if (vm->hang.op.done || __atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return;
	vm->hang.outcome = outcome;
	snprintf(vm->hang.detail, sizeof(vm->hang.detail), "%s", detail);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_pause(&vm->vcpus[i]);
	vm->hang.op.done = look;
	await_next_look(vm);
}
