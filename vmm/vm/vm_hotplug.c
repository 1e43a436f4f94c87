// SPDX-License-Identifier: Apache-2.0
/* Plugs pmem devices while the guest runs. Start reading at vm_hotplug_pmem. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/endian.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/machine/machine_pmem.h"

#include <errno.h>
#include <string.h>

/*
 * Sets the slot's _STA to present and makes Linux read all of them again. The device exists by now:
 * a guest that was not notified finds it with the next device, or when it boots again.
 */
static void notify_guest(struct vm *vm, unsigned slot)
{
	__le32 *mask = guest_memory_ram(
		&vm->memory, gpa(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_SLOTS), sizeof(*mask));
	int ret;

	*mask = host_to_le32(le32_to_host(*mask) | 1u << slot);
	ret = platform_events_raise(&vm->power.events, LAYOUT_EVENT_SLOTS);
	if (ret < 0)
		log_error("%s: cannot notify the guest of the new disk: %s",
			  vm->machine->pmem[slot].id, strerror(-ret));
}

/* vCPUs cannot reach the device before the last step, so a half-built one can be taken down. */
static int plug(struct vm *vm, unsigned n, struct machine_pmem *plan, struct error *err)
{
	struct pmem_slot *slot = &vm->pmem[n];
	unsigned kvm_slots = vm->kvm.n_slots;
	int ret;

	ret = pmem_slot_init(slot, n, plan->id, &plan->backing, plan->start, &vm->loop, &vm->memory,
			     &vm->registers, err);
	if (ret == 0)
		ret = pmem_slot_add_memory(&plan->backing, plan->start, &vm->memory, err);
	if (ret == 0)
		ret = vm_memory_add_slots(vm, plan->start, plan->backing.size, err);
	if (ret == 0)
		ret = virtio_slot_connect(&slot->slot, &vm->kvm, err);
	if (ret == 0)
		ret = pmem_slot_start(slot, &vm->mmio, err);
	if (ret == 0)
		return 0;
	virtio_slot_disconnect(&slot->slot, &vm->kvm);
	kvm_remove_slots(&vm->kvm, kvm_slots);
	guest_memory_remove(&vm->memory, plan->start, plan->backing.size);
	pmem_slot_fini(slot);
	return ret;
}

int vm_hotplug_pmem(struct vm *vm, const struct memory_device *device, struct error *err)
{
	struct machine *machine = vm->machine;
	unsigned slot = vm->n_pmem;
	int ret;

	if (machine->boot.platform != BOOT_PLATFORM_ACPI)
		return error_set(
			err, ENOTSUP,
			"this machine was started with a device tree, which cannot grow; start mvmm with --platform acpi to add devices");
	ret = machine_plug_pmem(machine, device, err);
	if (ret < 0)
		return ret;
	ret = plug(vm, slot, &machine->pmem[slot], err);
	if (ret < 0) {
		machine_unplug_pmem(machine);
		return ret;
	}
	vm_memory_adopt(vm, slot);
	pmem_backing_keep(&machine->pmem[slot].backing);
	log_info("%s: plugged into slot %u", machine->pmem[slot].id, slot);
	notify_guest(vm, slot);
	return 0;
}
