/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring a VM from a snapshot (vm_save.h), in two steps of vm_create and main. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/config/config.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu_state_x86.h"

struct vm;

/*
 * Maps the snapshot's memory over the RAM and the private disks of a VM that is being made, before
 * they are given to KVM. -errno with @err set.
 */
int vm_restore_memory(struct vm *vm, const struct config_restore *restore, struct error *err);

/*
 * Reads the states of vCPUs, into @ret_states of as many as @vm has, and of KVM. -errno with @err
 * set.
 */
int vm_restore_read(const struct vm *vm, struct state_reader *reader, struct vcpu_state *ret_states,
		    struct kvm_state *ret_kvm, struct error *err);

/* In place of vm_load: brings vCPUs, KVM and devices to their saved state. -errno with @err set. */
int vm_restore(struct vm *vm, const struct config_restore *restore, struct error *err);
