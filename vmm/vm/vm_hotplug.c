// SPDX-License-Identifier: Apache-2.0
/* Plugs pmem devices while the guest runs. Start reading at vm_hotplug_pmem. */
#include "vmm/vm/vm_hotplug.h"

#include "vmm/base/endian.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/machine/machine_pmem.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <string.h>

/*
 * Has the slots' _STA say that this one is filled, and Linux look at them again. The device is
 * there by now; a guest that could not be told finds it with the next one, or when it boots again.
 */
static void tell_guest(struct vm *vm, unsigned slot)
{
	__le32 *mask = guest_memory_ram(
		&vm->memory, gpa(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_SLOTS), sizeof(*mask));
	int ret;

	*mask = host_to_le32(le32_to_host(*mask) | 1u << slot);
	ret = platform_events_raise(&vm->power.events, LAYOUT_EVENT_SLOTS);
	if (ret < 0)
		log_error("%s: cannot tell the guest of it: %s", vm->machine->pmem[slot].id,
			  strerror(-ret));
}

/* vCPUs reach nothing of it before the last step, so that what is half-built can be taken down. */
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
		ret = vm_add_slots(vm, plan->start, plan->backing.size, err);
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

int vm_hotplug_pmem(struct vm *vm, const struct keyval *list, unsigned n, struct error *err)
{
	struct machine *machine = vm->machine;
	unsigned slot = vm->n_pmem;
	int ret;

	if (machine->boot.platform != BOOT_PLATFORM_ACPI)
		return error_set(err, ENOTSUP,
				 "a device tree cannot grow: devices can be added to machines "
				 "started with --platform acpi");
	ret = machine_plug_pmem(machine, list, n, err);
	if (ret < 0)
		return ret;
	ret = plug(vm, slot, &machine->pmem[slot], err);
	if (ret < 0) {
		machine_unplug_pmem(machine);
		return ret;
	}
	vm_adopt_pmem(vm, slot);
	log_info("%s: plugged into slot %u", machine->pmem[slot].id, slot);
	tell_guest(vm, slot);
	return 0;
}
