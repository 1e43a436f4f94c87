/* SPDX-License-Identifier: Apache-2.0 */
/* A VM that runs, stands still and goes on. */
#ifndef MVMM_VMM_VM_RUN_H
#define MVMM_VMM_VM_RUN_H

#include "vmm/kvm/vcpu.h"
#include "vmm/vm/vm_end.h"

#include <stdbool.h>

struct ready;
struct vm;

/* What the vCPUs of struct vm tell it. */
extern const struct vcpu_ops vm_vcpu_ops;

/*
 * Tells @ready and runs the guest until it ends, or is made to; the calling thread becomes the
 * event loop.
 */
void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end);

/*
 * On the event loop's thread: takes all vCPUs out of the guest, and lets them go on. Between the
 * two no guest instruction runs; flushes in flight still complete.
 */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

/* Whether no vCPU is in the guest, or can get there before vm_resume. */
bool vm_is_parked(const struct vm *vm);

#endif
