// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/vm/test_vm_hotplug.c.
/* Adds memory slots, and counts disks among the VM's. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"

int vm_memory_add_slots(struct vm *vm, gpa_t start, uint64_t size, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < vm->memory.count && ret == 0; i++) {
		const struct guest_region *r = &vm->memory.regions[i];

		/* Below @start the difference wraps, to more than any size. */
		if (r->start.value - start.value < size)
			ret = kvm_add_slot(&vm->kvm, r->start.value, r->size, r->host,
					   r->kind == GUEST_PMEM_READONLY, err);
	}
	return ret;
}

static void flush_failed(struct pmem *pmem, int error)
{
	struct pmem_slot *slot = container_of(pmem, struct pmem_slot, pmem);
	struct vm *vm = container_of(slot - slot->slot.number, struct vm, pmem[0]);

	monitor_flush_failed(&vm->monitor, pmem->virtio.name, error);
}

static void continue_save(struct pmem *pmem)
{
	struct pmem_slot *slot = container_of(pmem, struct pmem_slot, pmem);

	vm_freeze_disk_idle(container_of(slot - slot->slot.number, struct vm, pmem[0]));
}

static const struct pmem_ops pmem_ops = { .flush_failed = flush_failed, .idle = continue_save };

void vm_memory_adopt(struct vm *vm, unsigned slot)
{
	vm->pmem[slot].pmem.ops = &pmem_ops;
	__atomic_store_n(&vm->n_pmem, slot + 1, __ATOMIC_RELEASE);
}
