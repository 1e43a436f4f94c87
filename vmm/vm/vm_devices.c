// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/vm/test_vm_monitor.c.
/* Makes devices by their models (device_model.h). Start reading at vm_devices_init. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/layout.h"

#include <errno.h>

int vm_devices_init(struct vm *vm, const struct config *config, struct error *err)
{
	const struct device_host host = {
		.config = config,
		.loop = &vm->loop,
		.memory = &vm->memory,
		.port = &vm->virtio_port,
		.console = &vm->consoles[VM_CONSOLE_VIRTIO],
	};
	int ret = 0;

	for (unsigned i = 0; i < vm->machine->n_devices && ret == 0; i++) {
		const struct machine_device *plan = &vm->machine->devices[i];
		struct vm_device *d = &vm->devices[vm->n_devices++];

		ret = device_init(&d->device, plan->model, plan->index, plan->fd, &host, err);
		if (ret == 0)
			ret = virtio_slot_init(&d->slot, LAYOUT_VIRTIO_SLOTS - 1 - i,
					       d->device.virtio, &vm->loop, &vm->registers, err);
	}
	return ret;
}

int vm_devices_count(const struct vm *vm, unsigned i, struct device_counters *ret_counters)
{
	for (unsigned k = 0; k < vm->n_devices; k++)
		if (device_count(&vm->devices[k].device, ret_counters) && i-- == 0)
			return 0;
	return -ENOENT;
}

bool vm_devices_connect(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_devices; i++)
		if (vm->devices[i].device.model->connects)
			return true;
	return false;
}

void vm_devices_finish(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_devices; i++)
		virtio_mmio_kick_all(&vm->devices[i].slot.mmio);
}

unsigned vm_devices_list_files(const struct vm *vm, struct kept_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vm->n_devices; i++) {
		const struct device *device = &vm->devices[i].device;

		if (device->model->file && device->model->file(device, &ret_files[n]))
			n++;
	}
	return n;
}

void vm_devices_fini(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_devices; i++)
		virtio_slot_fini(&vm->devices[i].slot);
	for (unsigned i = 0; i < vm->n_devices; i++)
		device_fini(&vm->devices[i].device);
}
