/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog in the VM (--watchdog): its place, and what comes of a guest that it bites. */
#ifndef MVMM_VMM_VM_WATCHDOG_H
#define MVMM_VMM_VM_WATCHDOG_H

#include "vmm/base/error.h"

struct vm;

/* -errno with @err set: no place on the bus, for which layout.h has no reason. */
int vm_watchdog_init(struct vm *vm, struct error *err);

#endif
