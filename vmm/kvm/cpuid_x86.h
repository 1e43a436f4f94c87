/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID returns in the guest. The number of leaves depends on the host, so
 * scripts/measure/counts counts the instructions of cpuid_*_x86.c separately.
 */
#pragma once

#include "boot/boot.h"
#include "vmm/base/error.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

struct cpuid_x86 {
	struct boot_topology topology;
	bool all_features; /* that KVM supports; otherwise without those of cpuid_features_x86.h */
};

/*
 * Gives each of the @n vCPUs its features, and tells it its topology. Before the vCPUs run. -errno
 * with @err set.
 */
int cpuid_x86_setup(struct vcpu *vcpus, unsigned n, const struct cpuid_x86 *cpuid,
		    const struct kvm *kvm, struct error *err);
