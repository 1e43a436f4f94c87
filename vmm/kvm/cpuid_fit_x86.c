// SPDX-License-Identifier: Apache-2.0
/*
 * Compares features. Start reading at the tables. A feature that the processor lacks would make the
 * guest's next use of it a fault; one that mvmm masks (cpuid_features_x86.h) would open to the
 * guest what mvmm keeps from it. Bits: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
 */
#include "vmm/kvm/cpuid_fit_x86.h"

#include "vmm/base/array.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

enum { EAX, EBX, ECX, EDX };

static const char *const register_names[] = { "EAX", "EBX", "ECX", "EDX" };

/*
 * Registers in which each bit is a feature. Those in @free are none: KVM changes them as the guest
 * runs (OSXSAVE, MWAIT, OSPKE), or they tell topology.
 */
static const struct word {
	uint32_t function, index;
	unsigned where;
	uint32_t free;
} words[] = {
	{ 0x1, 0, ECX, 1u << 27 | 1u << 3 },
	{ 0x1, 0, EDX, 1u << 28 },
	{ 0x6, 0, EAX, 0 },
	{ 0x6, 0, ECX, 0 },
	{ 0x7, 0, EBX, 0 },
	{ 0x7, 0, ECX, 1u << 4 },
	{ 0x7, 0, EDX, 0 },
	{ 0x7, 1, EAX, 0 },
	{ 0x7, 1, EBX, 0 },
	{ 0x7, 1, ECX, 0 },
	{ 0x7, 1, EDX, 0 },
	{ 0x7, 2, EDX, 0 },
	{ 0xd, 0, EAX, 0 },
	{ 0xd, 0, EDX, 0 },
	{ 0xd, 1, EAX, 0 },
	{ 0xd, 1, ECX, 0 },
	{ 0xd, 1, EDX, 0 },
	{ KVM_CPUID_FEATURES, 0, EAX, 0 },
	{ 0x80000001, 0, ECX, 1u << 1 },
	{ 0x80000001, 0, EDX, 0 },
	{ 0x80000007, 0, EDX, 0 },
	{ 0x80000008, 0, EBX, 0 },
	{ 0x8000000a, 0, EDX, 0 },
	{ 0x80000021, 0, EAX, 0 },
};

/* Leaves that are empty where the feature is missing, and that no bit above stands for. */
static const uint32_t leaves[] = {
	0xa, 0x12, 0x14, 0x1c, 0x23, 0x8000001b, 0x8000001f, 0x80000022
};

static uint32_t value(const struct kvm_cpuid_entry2 *e, unsigned where)
{
	const uint32_t values[] = {
		[EAX] = e->eax, [EBX] = e->ebx, [ECX] = e->ecx, [EDX] = e->edx
	};

	return values[where];
}

/* As KVM takes it: without the flag, an entry stands for all subleaves. */
static bool stands_for(const struct kvm_cpuid_entry2 *e, uint32_t function, uint32_t index)
{
	return e->function == function &&
	       (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index);
}

/* 0 if the leaf is not there. */
static uint32_t value_in(const struct cpuid_leaves *list, uint32_t function, uint32_t index,
			 unsigned where)
{
	for (uint32_t i = 0; i < list->nent; i++)
		if (stands_for(&list->entries[i], function, index))
			return value(&list->entries[i], where);
	return 0;
}

static bool is_empty(const struct kvm_cpuid_entry2 *e)
{
	return !(e->eax | e->ebx | e->ecx | e->edx);
}

static bool has_leaf(const struct cpuid_leaves *list, uint32_t function)
{
	for (uint32_t i = 0; i < list->nent; i++)
		if (list->entries[i].function == function && !is_empty(&list->entries[i]))
			return true;
	return false;
}

static int check_words(const struct kvm_cpuid_entry2 *e, const struct cpuid_leaves *host,
		       unsigned id, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];
		uint32_t missing;

		if (!stands_for(e, w->function, w->index))
			continue;
		missing = value(e, w->where) & ~w->free &
			  ~value_in(host, w->function, w->index, w->where);
		if (missing)
			return error_set(err, ENOTSUP,
					 "snapshot: vCPU %u: has processor features that are not "
					 "there here: CPUID leaf 0x%" PRIx32 ".%" PRIu32
					 " %s bits 0x%" PRIx32
					 "; restore it on a processor of the same kind, with the "
					 "--cpu-features of the save",
					 id, w->function, w->index, register_names[w->where],
					 missing);
	}
	return 0;
}

static int check_leaves(const struct kvm_cpuid_entry2 *e, const struct cpuid_leaves *host,
			unsigned id, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		if (e->function == leaves[i] && !is_empty(e) && !has_leaf(host, leaves[i]))
			return error_set(err, ENOTSUP,
					 "snapshot: vCPU %u: has a processor feature that is not "
					 "there here: CPUID leaf 0x%" PRIx32
					 "; restore it on a processor of the same kind, with the "
					 "--cpu-features of the save",
					 id, e->function);
	return 0;
}

static int check_address_bits(const struct kvm_cpuid_entry2 *e, const struct cpuid_leaves *host,
			      unsigned id, struct error *err)
{
	uint32_t saved = e->eax & 0xff, here = value_in(host, 0x80000008, 0, EAX) & 0xff;

	if (e->function != 0x80000008 || saved <= here)
		return 0;
	return error_set(err, ENOTSUP,
			 "snapshot: vCPU %u: has %" PRIu32 " bits of physical address, and %" PRIu32
			 " here; restore it on a processor of the same kind",
			 id, saved, here);
}

int cpuid_fit_x86_check(const struct cpuid_leaves *saved, const struct cpuid_leaves *host,
			unsigned id, struct error *err)
{
	int ret = 0;

	if (saved->nent > CPUID_LIST_MAX)
		return error_set(err, EINVAL,
				 "snapshot: vCPU %u: %" PRIu32
				 " CPUID leaves; there are at most %u",
				 id, saved->nent, CPUID_LIST_MAX);
	for (uint32_t i = 0; i < saved->nent && ret == 0; i++) {
		const struct kvm_cpuid_entry2 *e = &saved->entries[i];

		ret = check_words(e, host, id, err);
		if (ret == 0)
			ret = check_leaves(e, host, id, err);
		if (ret == 0)
			ret = check_address_bits(e, host, id, err);
	}
	return ret;
}
