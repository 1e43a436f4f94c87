// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* The job of vm-reset. Start reading at vm_reset_begin. */
#include "vmm/vm/vm_reset.h"

#include "vmm/snapshot/private_pages.h"
#include "vmm/vm/vm_parts.h"
#include "vmm/vm/vm_restore.h"
#include "vmm/vm/vm_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Decodes what stays the same for all resets, and checks what can still refuse one. */
static int read_states(struct vm *vm, struct error *err)
{
	struct vm_reset *reset = &vm->reset;
	int ret = 0;

	for (unsigned i = 0; i < vm->n_vcpus; i++)
		if (vcpu_waits_for_memory(&vm->vcpus[i]))
			return error_set(err, EBUSY,
					 "vm-reset: vCPU %u waits for memory that the host could "
					 "not supply, in the middle of an instruction; let the VM "
					 "go on, and reset it then",
					 i);
	if (reset->states)
		return 0;
	assert(vm->n_vcpus);
	reset->states = calloc(vm->n_vcpus, sizeof(*reset->states));
	if (!reset->states)
		return error_set(err, ENOMEM, "vm-reset: out of memory");
	ret = vm_restore_read(vm, vm->config->restore.state, reset->states, &reset->kvm, err);
	if (ret < 0)
		vm_reset_fini(reset);
	return ret;
}

static int drop(uint8_t *host, struct page_run run, struct error *err)
{
	if (madvise(host + run.start, run.end - run.start, MADV_DONTNEED) < 0)
		return error_system(err, errno, "vm-reset: cannot drop guest memory");
	return 0;
}

/*
 * Drops private pages, so that the file below them shows again. KVM goes through all that is
 * dropped, so only these pages are. Where the kernel cannot list them, finding them would cost more
 * than dropping all.
 */
static int drop_private(const struct vm *vm, uint8_t *host, uint64_t size, struct error *err)
{
	struct private_pages pages;
	struct page_run run = { 0 };
	int ret = 0;

	if (!vm->save.pagemap_fd)
		return drop(host, (struct page_run){ 0, size }, err);
	private_pages_init(&pages, vm->save.pagemap_fd, host, size);
	while (ret == 0 && run.end < size) {
		if (private_pages_next(&pages, run.end, &run) < 0 || pages.cannot_scan)
			return drop(host, (struct page_run){ 0, size }, err);
		if (run.start < run.end)
			ret = drop(host, run, err);
	}
	return ret;
}

static int put_back(struct vm *vm, struct error *err)
{
	int ret;

	vm->freeze.broken = true;
	ret = drop_private(vm, vm->ram.host, vm->ram.size, err);
	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++) {
		const struct pmem_backing *b = vm->pmem[i].pmem.backing;

		if (!b->readonly)
			ret = drop_private(vm, b->host, b->size, err);
	}
	if (ret == 0)
		ret = vcpu_state_x86_put_back(vm->vcpus, vm->n_vcpus, &vm->kvm, vm->reset.states,
					      err);
	return ret < 0 ? ret : kvm_state_x86_restore(&vm->kvm, &vm->reset.kvm, false, err);
}

static int load_parts(struct vm *vm, struct error *err)
{
	struct state_reader *reader = vm->config->restore.state;
	int ret;

	/* Devices look at their queues now, and may take from them. */
	vm->memory.frozen = false;
	vm_parts_load(vm, reader);
	ret = state_reader_result(reader, err);
	if (ret < 0)
		return ret;
	/* Or the guest would use the same random numbers again. */
	ret = vmgenid_renew(&vm->vmgenid);
	if (ret < 0)
		return error_system(err, -ret, "vm-reset: cannot make a generation id: getrandom");
	vm_parts_restored(vm);
	vm->freeze.broken = false;
	return 0;
}

static void report(struct vm *vm, const char *error, uint64_t pause_us)
{
	const struct monitor_job job = { .error = error, .pause_us = pause_us };

	monitor_job_ended(&vm->monitor, MONITOR_EVENT_RESET_IN_PLACE, &job);
}

static const struct vm_freeze_job reset_job = {
	.command = "vm-reset",
	.prepare = read_states,
	.work = put_back,
	.settle = load_parts,
	.ended = report,
};

/* What the guest has stored to such a disk cannot be taken back. */
static int check_disks(const struct vm *vm, struct error *err)
{
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		const struct pmem_backing *b = vm->pmem[i].pmem.backing;

		if (b->share && !b->readonly)
			return error_set(err, ENOTSUP,
					 "vm-reset: disk %s keeps what the guest has stored to %s; "
					 "save and restore the VM with share=off or readonly=on",
					 vm->machine->pmem[i].id, b->path);
	}
	if (vm->n_pmem > vm->n_cold_pmem)
		return error_set(err, ENOTSUP,
				 "vm-reset: disk %s was plugged after the restore; save the VM "
				 "with it, and restore that",
				 vm->machine->pmem[vm->n_cold_pmem].id);
	return 0;
}

int vm_reset_begin(struct vm *vm, struct error *err)
{
	int ret;

	if (!vm->config->restore.where)
		return error_set(err, ENOTSUP,
				 "vm-reset: the VM was not restored, so there is no instant to go "
				 "back to; start it with --restore, or say system_reset to end it");
	ret = check_disks(vm, err);
	return ret < 0 ? ret : vm_freeze_begin(vm, &reset_job, err);
}

void vm_reset_fini(struct vm_reset *reset)
{
	free(reset->states);
	*reset = (struct vm_reset){ 0 };
}
