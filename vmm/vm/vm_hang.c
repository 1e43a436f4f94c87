// SPDX-License-Identifier: Apache-2.0
/*
 * Ends a guest that hangs, on the event loop: vm_hang_end takes the vCPUs out of the guest,
 * check_parked waits until they are, finish reports where they were. The loop runs meanwhile,
 * because a vCPU may need it to complete a register access.
 */
#include "vmm/vm/vm_state.h"

#include "boot/elf_symbols.h"
#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/log.h"
#include "vmm/kvm/vcpu_x86.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A vCPU leaves the guest within microseconds, unless the host holds it up, as by slow storage. */
#define CHECKS 200
#define BETWEEN_LOOKS_NS (10 * NS_PER_MS)

static void report_vcpu(const struct vm *vm, const struct vcpu *vcpu)
{
	char name[ELF_SYMBOLS_NAME], symbol[ELF_SYMBOLS_NAME + 24] = "";
	struct vcpu_x86_place place;
	uint64_t offset;

	if (!vcpu_is_parked(vcpu)) {
		log_error("vCPU %u: did not stop; the host holds it up, perhaps because of slow "
			  "storage",
			  vcpu->id);
		return;
	}
	if (vcpu_x86_place(vcpu, &place) < 0) {
		log_error("vCPU %u: cannot read its registers from KVM", vcpu->id);
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

static void report_console(struct vm *vm)
{
	char text[CONSOLE_TAIL_SIZE + 2], *rest = text;

	console_tail_text(&vm->console_tail, text);
	if (!*text)
		log_error("console: the guest wrote nothing");
	for (char *line = strsep(&rest, "\n"); line && rest; line = strsep(&rest, "\n"))
		log_error("console: %s", line);
}

static void finish(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		report_vcpu(vm, &vm->vcpus[i]);
	report_console(vm);
	vm_finish(vm, vm->hang.outcome, 0, vm->hang.detail);
}

static void check_parked(struct event_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, hang.timer);

	if (__atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return;
	if (!vm_is_parked(vm) && ++vm->hang.checks < CHECKS)
		event_loop_arm(&vm->loop, timer, BETWEEN_LOOKS_NS);
	else
		finish(vm);
}

void vm_hang_end(struct vm *vm, enum outcome outcome, const char *detail)
{
	if (vm->hang.timer.due || __atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return;
	vm->hang.outcome = outcome;
	snprintf(vm->hang.detail, sizeof(vm->hang.detail), "%s", detail);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_pause(&vm->vcpus[i]);
	vm->hang.timer.due = check_parked;
	event_loop_arm(&vm->loop, &vm->hang.timer, BETWEEN_LOOKS_NS);
}

static void timed_out(struct event_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, timeout.timer);
	char detail[80];

	if (vm->prelaunch) {
		snprintf(detail, sizeof(detail), "timeout: nobody said cont within %u s",
			 vm->timeout.seconds);
		vm_finish(vm, OUTCOME_TIMEOUT, 0, detail);
		return;
	}
	snprintf(detail, sizeof(detail), "timeout: the guest did not end within %u s",
		 vm->timeout.seconds);
	vm_hang_end(vm, OUTCOME_TIMEOUT, detail);
}

void vm_hang_start_timeout(struct vm *vm)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);
	uint64_t at = vm->timer->ns[BOOT_MARK_EXEC] + vm->timeout.seconds * NS_PER_S;

	if (!vm->timeout.seconds)
		return;
	vm->timeout.timer.due = timed_out;
	event_loop_arm(&vm->loop, &vm->timeout.timer, at > now ? at - now : 0);
}
