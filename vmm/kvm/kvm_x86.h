/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM on x86 needs in addition; kvm.c calls these. */
#pragma once

#include "vmm/kvm/kvm.h"

/*
 * Gives a new VM the pages that KVM needs on Intel hosts that cannot run real mode by themselves.
 * Other hosts ignore them. -errno with @err set, as the next.
 */
int kvm_x86_prepare(const struct kvm *kvm, struct error *err);

/*
 * Takes the performance counters away from the VM, before it has vCPUs. AMD's first ones are there
 * whatever CPUID says. KVM before Linux 5.18 cannot. -errno with @err set.
 */
int kvm_x86_remove_counters(const struct kvm *kvm, struct error *err);

/*
 * Whether the guest lets the interrupt @gsi of the IOAPIC come: whether its driver has unmasked it.
 * True if KVM does not say.
 */
bool kvm_x86_is_unmasked(const struct kvm *kvm, unsigned gsi);

/*
 * Masks both 8259s, as firmware leaves them. KVM's start unmasked with vector base 0. A kernel that
 * never touches them (hardware-reduced ACPI) would get device interrupts as CPU exceptions.
 */
int kvm_x86_mask_8259s(const struct kvm *kvm, struct error *err);
