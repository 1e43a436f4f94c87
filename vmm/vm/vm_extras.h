/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio devices of a VM that are no disks; they have the slots from the last one down. */
#ifndef MVMM_VMM_VM_EXTRAS_H
#define MVMM_VMM_VM_EXTRAS_H

#include "vmm/base/device_counters.h"
#include "vmm/base/error.h"
#include "vmm/config/config.h"
#include "vmm/sandbox/sandbox.h"

struct vm;

/*
 * Makes those that @config asks for and puts them into their slots, which are connected with the
 * disks'. -errno with @err set; vm->n_extras then counts a half-built one too.
 */
int vm_extras_init(struct vm *vm, const struct config *config, struct error *err);

/* What the @i-th of those that count did until now, on the event loop's thread; -ENOENT: there is
 * none. */
int vm_extras_count(const struct vm *vm, unsigned i, struct device_counters *ret_counters);

/* The vCPUs have stopped: takes what the guest offered last. */
void vm_extras_finish(struct vm *vm);

/* The files to remove at the end, VM_EXTRAS_FILES at most; returns how many. They point into @vm.
 */
#define VM_EXTRAS_FILES 1
unsigned vm_extras_list_files(const struct vm *vm, struct sandbox_file *ret_files);

/* After the event loop's end. Takes half-built ones. */
void vm_extras_fini(struct vm *vm);

#endif
