// SPDX-License-Identifier: Apache-2.0
/* The features that guests are not offered, of a processor that has every feature. */
#include "vmm/kvm/cpuid_features_x86.h"

#include "tests/support/check.h"

TestSuite(cpuid_features_x86, .timeout = 15);

static union cpuid_list list;

/* All bits of a leaf are set; what is left of them. */
static struct kvm_cpuid_entry2 masked(uint32_t function, uint32_t index)
{
	list = (union cpuid_list){ .kvm.nent = 2 };
	list.kvm.entries[1] = (struct kvm_cpuid_entry2){ .function = function,
							 .index = index,
							 .flags = 1,
							 .eax = ~0u,
							 .ebx = ~0u,
							 .ecx = ~0u,
							 .edx = ~0u };
	cpuid_features_x86_mask(&list);
	check_eq(list.kvm.nent, 2);
	check_eq(list.kvm.entries[1].function, function);
	check_eq(list.kvm.entries[1].index, index);
	check_eq(list.kvm.entries[1].flags, 1);
	return list.kvm.entries[1];
}

static void check_masks(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
			uint32_t edx)
{
	struct kvm_cpuid_entry2 e = masked(function, index);

	check_eq(e.eax, ~eax, "leaf 0x%x", function);
	check_eq(e.ebx, ~ebx, "leaf 0x%x", function);
	check_eq(e.ecx, ~ecx, "leaf 0x%x", function);
	check_eq(e.edx, ~edx, "leaf 0x%x", function);
}

Test(cpuid_features_x86, bits)
{
	check_masks(0x1, 0, 0, 0, 1u << 2 | 1u << 5 | 1u << 15, 1u << 21);
	check_masks(0x7, 0, 0, 1u << 2 | 1u << 4 | 1u << 11 | 1u << 25, 1u << 30, 1u << 19);
	check_masks(0x7, 1, 1u << 8, 0, 0, 0);
	check_masks(0x80000001, 0, 0, 0, 1u << 2 | 1u << 10 | 1u << 23 | 1u << 24 | 1u << 28, 0);
}

Test(cpuid_features_x86, whole_leaves)
{
	static const uint32_t leaves[] = { 0xa,	       0x12,	   0x14,       0x1c,	  0x23,
					   0x8000000a, 0x8000001b, 0x8000001f, 0x80000022 };

	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		for (uint32_t index = 0; index < 3; index++)
			check_masks(leaves[i], index, ~0u, ~0u, ~0u, ~0u);
}

/* Linux relies on these: caches, clocks, XSAVE, KVM's own, mitigations. */
Test(cpuid_features_x86, others_stay)
{
	static const uint32_t leaves[] = { 0x0,	       0x2,	   0x4,	       0x6,
					   0xb,	       0xd,	   0x15,       0x1f,
					   0x40000000, 0x40000001, 0x40000010, 0x80000000,
					   0x80000007, 0x80000008, 0x8000001d, 0x8000001e,
					   0x80000021 };

	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		check_masks(leaves[i], 0, 0, 0, 0, 0);
	check_masks(0x7, 2, 0, 0, 0, 0);
}
