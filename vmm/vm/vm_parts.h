/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a state file that the parts of a VM save and load, all but KVM's and memory. */
#pragma once

#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdbool.h>

struct vm;

/* Whether no fdatasync of a disk is under way. */
bool vm_parts_are_idle(const struct vm *vm);

/* Begins to sync the disks. When all are idle, vm_parts_sync_result tells how it went. */
void vm_parts_sync(struct vm *vm);

/* 0, or -errno with @err set. */
int vm_parts_sync_result(const struct vm *vm, struct error *err);

/* Devices take what guest and host have offered meanwhile, after guest memory was frozen. */
void vm_parts_kick(struct vm *vm);

/* Puts the sections, of a VM whose vCPUs are parked. */
void vm_parts_save(struct vm *vm, struct state_writer *writer);

/* Loads the sections of a new VM's parts. Errors are the reader's. */
void vm_parts_load(struct vm *vm, struct state_reader *reader);

/* After all is loaded, KVM's state too: devices look at their queues, and interrupts that may have
 * been lost are raised again. */
void vm_parts_restored(struct vm *vm);
