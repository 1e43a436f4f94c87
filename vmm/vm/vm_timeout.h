/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a guest that takes too long (--timeout). */
#ifndef MVMM_VMM_VM_TIMEOUT_H
#define MVMM_VMM_VM_TIMEOUT_H

struct vm;

/* Begins to wait, if there is a time. On the event loop's thread, before it runs. */
void vm_timeout_start(struct vm *vm);

#endif
