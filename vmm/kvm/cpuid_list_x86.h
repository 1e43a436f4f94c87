/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves of CPUID as KVM lists them, on their way from what it supports to what a vCPU gets. */
#pragma once

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#define CPUID_LIST_MAX 256 /* as in KVM */

/* A list as plain data, which can be part of other data. Laid out as KVM's. */
struct cpuid_leaves {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entries[CPUID_LIST_MAX];
};

_Static_assert(offsetof(struct cpuid_leaves, entries) == sizeof(struct kvm_cpuid2), "as KVM's");

/* KVM's list ends in an array without a length; this one has room for CPUID_LIST_MAX entries. */
union cpuid_list {
	struct kvm_cpuid2 kvm;
	uint8_t room[sizeof(struct kvm_cpuid2) + CPUID_LIST_MAX * sizeof(struct kvm_cpuid_entry2)];
};
