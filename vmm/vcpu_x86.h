/* SPDX-License-Identifier: Apache-2.0 */
/* The state in which an x86-64 vCPU starts. */
#ifndef MVMM_VMM_VCPU_X86_H
#define MVMM_VMM_VCPU_X86_H

#include "boot/boot.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"

/*
 * Gives each of the @n vCPUs its CPUID (what KVM supports, and the topology: @n single-threaded
 * cores of one package) and MSRs. -errno with @err set.
 */
int vcpu_x86_setup(struct vcpu *vcpus, unsigned n, const struct kvm *kvm, struct error *err);

/*
 * Puts the first vCPU into the state of @entry; the others wait for it to start them. -errno with
 * @err set.
 */
int vcpu_x86_enter(struct vcpu *vcpu, const struct boot_entry *entry, struct error *err);

#endif
