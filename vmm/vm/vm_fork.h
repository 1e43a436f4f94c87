/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm-fork: from a running VM children, which go on from the same instant. The VM is held
 * still (vm_freeze.h) while its memory becomes the base of all and its state goes through a socket
 * to each child, which waits there as mvmm --restore fd:N (snapshot_socket.h).
 */
#pragma once

#include "vmm/base/error.h"

/* At once: what one message of SCM_RIGHTS can bring. */
#define VM_FORK_MAX 253

struct vm;

struct vm_fork {
	int *sockets; /* owned, like the descriptors; NULL unless a fork is under way */
	unsigned n;
	unsigned children; /* that got the VM */
};

/*
 * monitor_ops.fork: makes a child for each of @n @sockets, which are the callee's in any case. On
 * the event loop's thread. -ENOTSUP with @err set: the VM was started without fork=on.
 */
int vm_fork_begin(struct vm *vm, const int *sockets, unsigned n, struct error *err);

/* Takes a zeroed one. */
void vm_fork_fini(struct vm_fork *fork);
