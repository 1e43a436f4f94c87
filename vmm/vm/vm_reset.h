/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a restored VM back to the instant of its snapshot, in the same process: what it has stored
 * to its private memory is dropped, and vCPUs, KVM and devices get their saved state again.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu_state_x86.h"

struct vm;

struct vm_reset {
	struct vcpu_state *states; /* owned: of all vCPUs, from the first reset on */
	struct kvm_state kvm;
};

/*
 * monitor_ops.reset_in_place. On the event loop's thread. -ENOTSUP with @err set: the VM was not
 * restored, or it has a disk that keeps what was stored to it.
 */
int vm_reset_begin(struct vm *vm, struct error *err);

/* Takes a zeroed one. */
void vm_reset_fini(struct vm_reset *reset);
