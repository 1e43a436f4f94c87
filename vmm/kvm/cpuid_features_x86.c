// SPDX-License-Identifier: Apache-2.0
/*
 * Masks features. Start reading at the tables. Bits: Intel SDM volume 2, CPUID; AMD APM volume 3,
 * appendix E. Two kinds are here: those that make KVM or the processor do more for a guest than
 * guests of mvmm need, and those that tell what other programs on the processor do.
 */
#include "vmm/kvm/cpuid_features_x86.h"

#include "vmm/base/array.h"

#include <stddef.h>

enum { EAX, EBX, ECX, EDX };

static const struct {
	uint32_t function, index;
	unsigned where, bit;
} bits[] = {
	/* Virtualization: code of KVM that is large and has had many faults (nested VMX and SVM).
	 */
	{ 0x1, 0, ECX, 5 },	   /* VMX */
	{ 0x80000001, 0, ECX, 2 }, /* SVM */

	/* Performance counters: a way to see what else runs on the processor. KVM has to program
	 * the host's counters for the guest. */
	{ 0x1, 0, ECX, 2 },	    /* DTES64, of DS */
	{ 0x1, 0, ECX, 15 },	    /* PDCM: MSR IA32_PERF_CAPABILITIES */
	{ 0x1, 0, EDX, 21 },	    /* DS: the debug store, for PEBS and BTS */
	{ 0x7, 0, EDX, 19 },	    /* ARCH_LBR: records of branches */
	{ 0x7, 1, EAX, 8 },	    /* ARCH_PERFMON_EXT: leaf 0x23 */
	{ 0x80000001, 0, ECX, 10 }, /* IBS: samples of instructions */
	{ 0x80000001, 0, ECX, 23 }, /* PERFCTR_CORE */
	{ 0x80000001, 0, ECX, 24 }, /* PERFCTR_NB */
	{ 0x80000001, 0, ECX, 28 }, /* PERFCTR_LLC */

	/* Traces of instructions, which the processor writes to memory. */
	{ 0x7, 0, EBX, 25 }, /* INTEL_PT */

	/* Enclaves: need memory that mvmm does not give. */
	{ 0x7, 0, EBX, 2 },  /* SGX */
	{ 0x7, 0, ECX, 30 }, /* SGX_LC */

	/* Transactions: an aborted one shows data of others (TAA, CVE-2019-11135). */
	{ 0x7, 0, EBX, 4 },  /* HLE */
	{ 0x7, 0, EBX, 11 }, /* RTM */
};

/* Leaves that are about such a feature alone. */
static const uint32_t leaves[] = {
	0xa,	    /* performance counters */
	0x12,	    /* SGX */
	0x14,	    /* INTEL_PT */
	0x1c,	    /* ARCH_LBR */
	0x23,	    /* ARCH_PERFMON_EXT */
	0x8000000a, /* SVM */
	0x8000001b, /* IBS */
	0x8000001f, /* SEV: memory is encrypted only if mvmm asked for it */
	0x80000022, /* counters of AMD's second version */
};

static void mask(struct kvm_cpuid_entry2 *e)
{
	uint32_t *const registers[] = {
		[EAX] = &e->eax, [EBX] = &e->ebx, [ECX] = &e->ecx, [EDX] = &e->edx
	};

	/* Most leaves are empty. */
	if (!(e->eax | e->ebx | e->ecx | e->edx))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (bits[i].function == e->function && bits[i].index == e->index)
			*registers[bits[i].where] &= ~(1u << bits[i].bit);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i] == e->function)
			e->eax = e->ebx = e->ecx = e->edx = 0;
}

void cpuid_features_x86_mask(union cpuid_list *list)
{
	for (uint32_t i = 0; i < list->kvm.nent; i++)
		mask(&list->kvm.entries[i]);
}
