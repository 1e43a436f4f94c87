// SPDX-License-Identifier: Apache-2.0
/*
 * Storage faults. The vCPU's thread finds the cause, which may take long. The event loop's
 * thread reports it and stops the other vCPUs. Start reading at vm_fault.
 */
#include "vmm/vm/vm_state.h"

#include "devices/virtio/pmem_fault.h"
#include "vmm/base/container_of.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Finds the device whose memory it is. */
static void find_by_address(struct vm *vm, struct vm_fault *fault, uint64_t gpa)
{
	unsigned n = __atomic_load_n(&vm->n_pmem, __ATOMIC_ACQUIRE);

	fault->located = true;
	fault->offset = gpa;
	for (unsigned i = 0; i < n; i++) {
		const struct pmem *pmem = &vm->pmem[i].pmem;

		if (gpa - pmem->start.value >= pmem->backing->size)
			continue;
		fault->pmem = pmem;
		fault->offset = gpa - pmem->start.value;
		fault->cause = pmem_fault_at(pmem->backing, fault->offset);
	}
}

/* Finds the first device whose file shows a cause. */
static void find_by_cause(struct vm *vm, struct vm_fault *fault)
{
	unsigned n = __atomic_load_n(&vm->n_pmem, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n && !fault->pmem; i++) {
		const struct pmem *pmem = &vm->pmem[i].pmem;

		fault->cause = pmem_fault_anywhere(pmem->backing);
		if (fault->cause)
			fault->pmem = pmem;
	}
}

static void describe(const struct vm_fault *fault, char *text, size_t size)
{
	const struct pmem *pmem = fault->pmem;

	if (pmem && fault->located)
		snprintf(text, size, "%s: the host cannot supply offset 0x%" PRIx64 " of %s: %s",
			 pmem->virtio.name, fault->offset, pmem->backing->path,
			 pmem_fault_text(fault->cause));
	else if (pmem)
		snprintf(text, size,
			 "%s: the host cannot supply a page of %s (from Linux 6.8 on KVM says "
			 "which one): %s",
			 pmem->virtio.name, pmem->backing->path, pmem_fault_text(fault->cause));
	else if (fault->located)
		snprintf(text, size, "the host cannot supply guest memory at 0x%" PRIx64,
			 fault->offset);
	else
		snprintf(text, size,
			 "the host cannot supply a page of guest memory (from Linux 6.8 on KVM "
			 "says which one), and no disk's file shows why");
}

static void report_to_monitor(struct vm *vm, const struct vm_fault *fault)
{
	const struct pmem *pmem = fault->pmem;
	const struct monitor_io_error event = {
		.id = pmem ? pmem->virtio.name : NULL,
		.file = pmem ? pmem->backing->path : NULL,
		.offset = fault->offset,
		.has_offset = pmem && fault->located,
		.nospace = fault->cause == ENOSPC || fault->cause == EDQUOT,
		.reason = pmem_fault_text(fault->cause),
	};

	monitor_io_error(&vm->monitor, &event);
}

static void handle_on_loop(struct event_call *call)
{
	struct vm_fault *slot = container_of(call, struct vm_fault, call);
	const struct vm_fault fault = *slot;
	struct vm *vm = fault.vm;
	char text[sizeof(vm->end.detail)];

	/* From here on the vCPU may post its next fault. */
	__atomic_store_n(&slot->posted, false, __ATOMIC_RELEASE);
	if (__atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return;
	describe(&fault, text, sizeof(text));
	if (!vm->controlled) {
		vm_finish(vm, OUTCOME_STORAGE_FAULT, 0, text);
		return;
	}
	log_error("%s; the guest is stopped: remove the cause, then send cont", text);
	vm->io_error = true;
	report_to_monitor(vm, &fault);
	vm_pause(vm);
}

bool vm_fault_has_cause(struct vm *vm)
{
	struct vm_fault fault = { 0 };

	find_by_cause(vm, &fault);
	return fault.pmem;
}

void vm_fault(struct vm *vm, unsigned vcpu, const uint64_t *gpa)
{
	struct vm_fault *fault = &vm->faults[vcpu];

	/* The vCPU was resumed before the loop took its last fault; that one will stop it again. */
	if (__atomic_load_n(&fault->posted, __ATOMIC_ACQUIRE))
		return;
	*fault = (struct vm_fault){ .call.run = handle_on_loop, .vm = vm, .posted = true };
	if (gpa)
		find_by_address(vm, fault, *gpa);
	else
		find_by_cause(vm, fault);
	event_loop_post(&vm->loop, &fault->call);
}
