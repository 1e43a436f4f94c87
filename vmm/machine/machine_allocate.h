/* SPDX-License-Identifier: Apache-2.0 */
/* prealloc=on: allocates a disk's file before the guest starts, or fails if there is no room. */
#pragma once

#include "vmm/machine/machine.h"

#include "vmm/base/clock.h"

/*
 * Makes the file systems allocate the files of disks with prealloc=on completely. That may take
 * long: after @patience_ns a terminal on standard error shows the progress. -ENOSPC, or another
 * error of the file system, with @err set. What was allocated stays allocated. If the lack of room
 * is known beforehand, nothing is allocated.
 */
#define MACHINE_ALLOCATE_PATIENCE_NS NS_PER_S
int machine_allocate(const struct machine *machine, uint64_t patience_ns, struct error *err);
