/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a guest that takes too long (--timeout): tells where each vCPU was and what the
 * console said last, since that is all there is of a guest that hangs.
 */
#ifndef MVMM_VMM_VM_TIMEOUT_H
#define MVMM_VMM_VM_TIMEOUT_H

#include "vmm/vm.h"

/* Begins to wait, if there is a limit. The kernel's file is still open then. On the event loop's
 * thread, before it runs. */
void vm_timeout_start(struct vm *vm);

#endif
