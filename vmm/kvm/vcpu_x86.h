/* SPDX-License-Identifier: Apache-2.0 */
/* The state in which an x86-64 vCPU starts. */
#ifndef MVMM_VMM_VCPU_X86_H
#define MVMM_VMM_VCPU_X86_H

#include "boot/boot.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

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

/*
 * Runs the guest's next instruction with a KVM that fails, instead of trying for ever, where a page
 * that it needs cannot be had. For a vCPU that seems to stand still. What KVM_RUN returns, and an
 * exit is to be handled as ever; 1: it was no case for it, and nothing has run.
 */
int vcpu_x86_insist(struct vcpu *vcpu);

/* Whether it is where it was, to the last register, when it was asked last. */
bool vcpu_x86_stands_still(struct vcpu *vcpu);

/* Where a vCPU stands. */
struct vcpu_x86_place {
	uint64_t rip;
	bool started; /* by the guest; the first one always is */
	bool halted;
	bool interrupts_on;
};

/* Looks at a vCPU that is parked (vcpu.h). -errno. */
int vcpu_x86_place(const struct vcpu *vcpu, struct vcpu_x86_place *ret_place);

#endif
