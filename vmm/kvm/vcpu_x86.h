/* SPDX-License-Identifier: Apache-2.0 */
/* The initial state of an x86-64 vCPU, and where it is when it hangs. */
#pragma once

#include "boot/boot.h"
#include "vmm/kvm/cpuid_x86.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

/* The architecture's name in QEMU. */
#define VCPU_X86_TARGET "x86_64"

/*
 * Gives each of the @n vCPUs its CPUID (cpuid_x86.h) and MSRs. -errno with @err set.
 */
int vcpu_x86_setup(struct vcpu *vcpus, unsigned n, const struct cpuid_x86 *cpuid,
		   const struct kvm *kvm, struct error *err);

/*
 * Puts the first vCPU into the state of @entry; the guest starts the others. -errno with @err set.
 */
int vcpu_x86_enter(struct vcpu *vcpu, const struct boot_entry *entry, struct error *err);

/* Where a vCPU is in its program. */
struct vcpu_x86_place {
	uint64_t rip;
	bool started; /* by the guest; true for the first vCPU */
	bool halted;
	bool interrupts_on;
};

/* Reads the state of a parked vCPU (vcpu.h). -errno. */
int vcpu_x86_place(const struct vcpu *vcpu, struct vcpu_x86_place *ret_place);
