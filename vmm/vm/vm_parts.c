// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* Goes through the parts of a VM. Start reading at vm_parts_save; vm_parts_load goes the same way.
 */
#include "vmm/vm/vm_parts.h"

#include "devices/virtio/virtio_mmio_state.h"
#include "vmm/base/container_of.h"
#include "vmm/base/state_format.h"
#include "vmm/config/config_state.h"
#include "vmm/machine/machine_pmem.h"
#include "vmm/vm/vm_state.h"

#include <stdio.h>

#define VMGENID "vmgenid"

/* The name of a section: "pmem:data", "device:rng". */
static const char *section(char *name, size_t size, const char *kind, const char *id)
{
	snprintf(name, size, "%s:%s", kind, id);
	return name;
}

static const char *pmem_section(const struct vm *vm, unsigned i, char *name, size_t size)
{
	return section(name, size, "pmem", vm->machine->pmem[i].id);
}

static const char *device_section(const struct vm_device *d, char *name, size_t size)
{
	return section(name, size, "device", d->device.id);
}

static void save_config(const struct vm *vm, struct state_writer *w)
{
	struct config_pmem disks[LAYOUT_VIRTIO_SLOTS];

	for (unsigned i = 0; i < vm->n_pmem; i++)
		machine_describe_pmem(vm->machine, i, &disks[i]);
	config_state_save(vm->config, vm->machine->boot.platform, disks, vm->n_pmem, w);
}

/* What every machine has, in one section each. */
static void save_platform(struct vm *vm, struct state_writer *w)
{
	state_writer_begin(w, "serial", 1);
	serial_port_save(&vm->serial, w);
	state_writer_end(w);
	state_writer_begin(w, "events", 1);
	platform_events_save(&vm->power.events, w);
	state_writer_end(w);
	state_writer_begin(w, "marks", 1);
	boot_timer_save(vm->timer, w);
	state_writer_end(w);
	/* Empty, because each restore has an id of its own: it says that the guest may look there.
	 */
	state_writer_begin(w, VMGENID, 1);
	state_writer_end(w);
	if (!vm->config->watchdog)
		return;
	state_writer_begin(w, "watchdog", 1);
	watchdog_save(&vm->watchdog.watchdog, w);
	state_writer_end(w);
}

static void load_platform(struct vm *vm, struct state_reader *r)
{
	state_reader_begin(r, "serial", 1);
	serial_port_load(&vm->serial, r);
	state_reader_end(r);
	state_reader_begin(r, "events", 1);
	platform_events_load(&vm->power.events, r);
	state_reader_end(r);
	state_reader_begin(r, "marks", 1);
	boot_timer_load(vm->timer, r);
	state_reader_end(r);
	/* A guest of mvmm before it had the device does not know of it, and needs nothing. */
	if (state_reader_has(r, VMGENID)) {
		state_reader_begin(r, VMGENID, 1);
		state_reader_end(r);
	}
	if (!vm->config->watchdog)
		return;
	state_reader_begin(r, "watchdog", 1);
	watchdog_load(&vm->watchdog.watchdog, r);
	state_reader_end(r);
}

bool vm_parts_are_idle(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_pmem; i++)
		if (!pmem_is_idle(&vm->pmem[i].pmem))
			return false;
	return true;
}

void vm_parts_sync(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_pmem; i++)
		pmem_sync(&vm->pmem[i].pmem);
}

int vm_parts_sync_result(const struct vm *vm, struct error *err)
{
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		const struct pmem *pmem = &vm->pmem[i].pmem;

		if (pmem->sync_result < 0)
			return error_system(err, -pmem->sync_result, "vm-save: fdatasync of %s",
					    pmem->backing->path);
	}
	return 0;
}

void vm_parts_kick(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_pmem; i++)
		virtio_mmio_kick_all(&vm->pmem[i].slot.mmio);
	for (unsigned i = 0; i < vm->n_devices; i++)
		virtio_mmio_kick_all(&vm->devices[i].slot.mmio);
}

void vm_parts_save(struct vm *vm, struct state_writer *w)
{
	char name[STATE_NAME_MAX + 1];

	save_config(vm, w);
	save_platform(vm, w);
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		state_writer_begin(w, pmem_section(vm, i, name, sizeof(name)), 1);
		virtio_mmio_save(&vm->pmem[i].slot.mmio, w);
		pmem_save(&vm->pmem[i].pmem, w);
		state_writer_end(w);
	}
	for (unsigned i = 0; i < vm->n_devices; i++) {
		const struct vm_device *d = &vm->devices[i];

		state_writer_begin(w, device_section(d, name, sizeof(name)), 1);
		virtio_mmio_save(&d->slot.mmio, w);
		device_save(&d->device, w);
		state_writer_end(w);
	}
}

void vm_parts_load(struct vm *vm, struct state_reader *r)
{
	char name[STATE_NAME_MAX + 1];

	load_platform(vm, r);
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		state_reader_begin(r, pmem_section(vm, i, name, sizeof(name)), 1);
		virtio_mmio_load(&vm->pmem[i].slot.mmio, r);
		pmem_load(&vm->pmem[i].pmem, r);
		state_reader_end(r);
	}
	for (unsigned i = 0; i < vm->n_devices; i++) {
		struct vm_device *d = &vm->devices[i];

		state_reader_begin(r, device_section(d, name, sizeof(name)), 1);
		virtio_mmio_load(&d->slot.mmio, r);
		device_load(&d->device, vm->config, r);
		state_reader_end(r);
	}
}

void vm_parts_restored(struct vm *vm)
{
	serial_port_restored(&vm->serial);
	platform_events_restored(&vm->power.events);
	vmgenid_restored(&vm->vmgenid);
	for (unsigned i = 0; i < vm->n_pmem; i++)
		virtio_mmio_restored(&vm->pmem[i].slot.mmio);
	for (unsigned i = 0; i < vm->n_devices; i++)
		virtio_mmio_restored(&vm->devices[i].slot.mmio);
}
