/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio devices of a VM that are no disks; they have the slots from the last one down. */
#ifndef MVMM_VMM_VM_EXTRAS_H
#define MVMM_VMM_VM_EXTRAS_H

#include "vmm/config.h"
#include "vmm/error.h"

struct vm;

/*
 * Makes those that @config asks for and puts them into their slots, which are connected with the
 * disks'. -errno with @err set; vm->n_extras then counts a half-built one too.
 */
int vm_extras_init(struct vm *vm, const struct config *config, struct error *err);

#endif
