/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a save that takes long: KVM's state, and the files. */
#pragma once

#include "vmm/base/error.h"

#include <stdint.h>

struct memory_source;
struct memory_table;
struct vm;
struct vm_disks;
struct vm_ram;

/* Puts the state of vCPUs and KVM into vm->save.writer. -errno with @err set, as below. */
int vm_save_kvm(struct vm *vm, struct error *err);

/*
 * Lists what a restore maps again, RAM and what disks have beside their files, in @table, and where
 * that is, in @sources of GUEST_MEMORY_MAX_REGIONS. Of RAM it lists all, or with @own only those
 * pages. -errno with @err set.
 */
int vm_save_list_memory(const struct vm *vm, const struct vm_disks *disks, const struct vm_ram *own,
			struct memory_table *table, struct memory_source *sources,
			struct error *err);

/*
 * Completes vm->save.writer with the state of KVM and vCPUs and the table of memory, and makes the
 * snapshot vm->save.path, or fills the files of the descriptors. Nothing of the VM runs meanwhile,
 * and nothing of it changes. On any thread. Puts the bytes of both files into *@ret_bytes. -errno
 * with @err set, which begins with "vm-save PATH"; then there is no new snapshot, and an older one
 * of that name is as it was.
 */
int vm_save_files(struct vm *vm, uint64_t *ret_bytes, struct error *err);
