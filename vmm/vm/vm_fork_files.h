/* SPDX-License-Identifier: Apache-2.0 */
/* The thread's part of vm-fork: memory, state, and what goes to the children. */
#pragma once

#include "vmm/base/error.h"

struct vm;

/*
 * Completes vm->save.writer, freezes RAM (ram.h), puts what is not in the file below RAM and the
 * disks into a memfd, and sends all to vm->fork.sockets. Nothing of the VM runs meanwhile. -errno
 * with @err set: no child got it, or, if vm->fork.children is not 0, some did.
 */
int vm_fork_files(struct vm *vm, struct error *err);
