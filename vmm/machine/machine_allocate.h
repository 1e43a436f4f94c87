/* SPDX-License-Identifier: Apache-2.0 */
/* prealloc=on: room for a disk is set aside before the guest starts, or the lack of it told. */
#ifndef MVMM_VMM_MACHINE_ALLOCATE_H
#define MVMM_VMM_MACHINE_ALLOCATE_H

#include "vmm/machine/machine.h"

/*
 * Has the file systems allocate all of the files of disks with prealloc=on, which may take long:
 * after @patience_ns a terminal on standard error shows how far it is. -ENOSPC, or what else the
 * file system says, with @err set: what it could allocate by then stays allocated, except where it
 * is known beforehand that there is too little.
 */
#define MACHINE_ALLOCATE_PATIENCE_NS 1000000000ULL
int machine_allocate(const struct machine *machine, uint64_t patience_ns, struct error *err);

#endif
