/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a guest that hangs: tells where each vCPU was and what the console said last, since
 * that is all there is of it.
 */
#ifndef MVMM_VMM_VM_HANG_H
#define MVMM_VMM_VM_HANG_H

#include "vmm/base/outcome.h"

struct vm;

/*
 * Begins to end the VM as @outcome and @detail, which is copied, say; only the first call does. On
 * the event loop's thread.
 */
void vm_hang_end(struct vm *vm, enum outcome outcome, const char *detail);

#endif
