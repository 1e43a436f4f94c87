/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when the host cannot supply a page of guest memory: the VM stops until cont, or,
 * where nobody could say that, ends. Start reading at vm_fault.
 */
#ifndef MVMM_VMM_VM_FAULT_H
#define MVMM_VMM_VM_FAULT_H

#include <stdint.h>

struct vm;

/*
 * vCPU @vcpu, whose thread this is and which has paused, needs the memory at guest-physical *@gpa;
 * NULL where KVM does not tell.
 */
void vm_fault(struct vm *vm, unsigned vcpu, const uint64_t *gpa);

#endif
