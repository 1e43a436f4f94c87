// SPDX-License-Identifier: Apache-2.0
/* Makes what is no disk, in the order of machine.c's plan_extras. Start reading at vm_extras_init.
 */
#include "vmm/vm_extras.h"

#include "boot/layout.h"
#include "vmm/vm_state.h"

#include <assert.h>

static int add(struct vm *vm, struct virtio_device *dev, struct error *err)
{
	unsigned n = vm->n_extras++;

	return virtio_slot_init(&vm->extras[n], LAYOUT_VIRTIO_SLOTS - 1 - n, dev, &vm->loop,
				&vm->registers, err);
}

int vm_extras_init(struct vm *vm, const struct config *config, struct error *err)
{
	int ret = 0;

	if (config->rng) {
		rng_init(&vm->rng, &vm->memory);
		ret = add(vm, &vm->rng.virtio, err);
	}
	assert(ret < 0 || vm->n_extras == vm->machine->n_extras);
	return ret;
}
