/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a save that takes long: KVM's state, and the files. */
#pragma once

#include "vmm/base/error.h"

#include <stdint.h>

struct vm;

/*
 * Completes vm->save.writer with the state of KVM and vCPUs and the table of memory, and makes the
 * snapshot vm->save.path, or fills the files of the descriptors. Nothing of the VM runs meanwhile,
 * and nothing of it changes. On any thread. Puts the bytes of both files into *@ret_bytes. -errno
 * with @err set, which begins with "vm-save PATH"; then there is no new snapshot, and an older one
 * of that name is as it was.
 */
int vm_save_files(struct vm *vm, uint64_t *ret_bytes, struct error *err);
