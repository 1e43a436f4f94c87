/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a VM, from the start of its threads to their end. */
#pragma once

#include "vmm/kvm/vcpu.h"
#include "vmm/vm/vm_end.h"

struct ready;
struct vm;

/* The callbacks by which the vCPUs report to struct vm. */
extern const struct vcpu_ops vm_vcpu_ops;

/*
 * Notifies @ready and runs the guest until it ends or is ended. The calling thread becomes the
 * event loop's.
 */
void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end);
