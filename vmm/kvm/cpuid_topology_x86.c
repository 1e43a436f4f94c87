// SPDX-License-Identifier: Apache-2.0
/*
 * Sets topology leaves. Start reading at the table, leaves. Bits: Intel SDM volume 2, CPUID; AMD
 * APM volume 3, appendix E.
 */
#include "vmm/kvm/cpuid_topology_x86.h"

#include "boot/topology_x86.h"
#include "vmm/base/array.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CPUID_1_EDX_HTT (1u << 28)
#define CPUID_80000001_ECX_CMP_LEGACY (1u << 1)

#define CACHE_TYPE 0x1f /* 0: no more caches */
#define CACHE_LEVEL(eax) ((eax) >> 5 & 7)
#define LAST_LEVEL 3
/* What eax of a cache's subleaf tells of the cache alone. */
#define CACHE_ITSELF 0x3fff

/* Types of a level. */
#define LEVEL_THREADS 1
#define LEVEL_CORES 2
/* Threads, cores, and a level of type 0 that ends the list. */
#define N_LEVELS 3

/* The place of a vCPU. */
struct place {
	struct boot_topology topology;
	unsigned apic_id;
	unsigned core_shift, socket_shift; /* of topology_x86.h */
	unsigned in_socket;		   /* threads of a socket */
	bool amd;
};

/* The largest number in a field of this width. */
static unsigned largest_number(unsigned width)
{
	return (1u << width) - 1;
}

static void set_basic(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	e->ebx = (e->ebx & 0xffff) | p->in_socket << 16 | p->apic_id << 24;
	e->edx = p->in_socket > 1 ? e->edx | CPUID_1_EDX_HTT : e->edx & ~CPUID_1_EDX_HTT;
}

/*
 * The last level is a socket's, the others are a core's. The number that shares a cache counts ids
 * and not vCPUs: some kernels take it for a divisor of ids.
 */
static void set_sharing(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	bool last = CACHE_LEVEL(e->eax) >= LAST_LEVEL;

	e->eax &= CACHE_ITSELF;
	if (e->eax & CACHE_TYPE)
		e->eax |= largest_number(last ? p->socket_shift : p->core_shift) << 14;
}

static void set_cache(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	set_sharing(e, p);
	if (e->eax & CACHE_TYPE)
		e->eax |= largest_number(p->socket_shift - p->core_shift) << 26;
}

static void set_level(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	e->eax = e->ebx = 0;
	e->ecx = e->index;
	e->edx = p->apic_id;
	if (e->index == 0) {
		e->eax = p->core_shift;
		e->ebx = p->topology.threads;
		e->ecx |= LEVEL_THREADS << 8;
	} else if (e->index == 1) {
		e->eax = p->socket_shift;
		e->ebx = p->in_socket;
		e->ecx |= LEVEL_CORES << 8;
	}
}

/* AMD's threads and cores look alike in the leaves that all processors have; this bit says that
 * they are cores. Without it Linux takes them for threads. */
static void set_amd_basic(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	if (!p->amd)
		return;
	e->ecx &= ~CPUID_80000001_ECX_CMP_LEGACY;
	if (p->in_socket > 1)
		e->ecx |= CPUID_80000001_ECX_CMP_LEGACY;
}

static void set_amd_size(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	e->ecx = (e->ecx & ~0xf0ffu) | p->socket_shift << 12 | (p->in_socket - 1);
}

/* Each socket is one node of AMD's. */
static void set_amd_ids(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	e->eax = p->apic_id;
	e->ebx = (p->topology.threads - 1) << 8 |
		 (p->apic_id & largest_number(p->socket_shift)) >> p->core_shift;
	e->ecx = p->apic_id >> p->socket_shift;
}

/* Empty means that the leaf has nothing to tell: kernels then look at leaf 0xb. */
static void clear(struct kvm_cpuid_entry2 *e, const struct place *p)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

/* All leaves that tell topology. Leaves 2, 0x80000005 and 0x80000006 tell sizes of caches only. */
static const struct {
	uint32_t function;
	bool has_levels;
	void (*set)(struct kvm_cpuid_entry2 *e, const struct place *place);
} leaves[] = {
	{ 0x1, false, set_basic },
	{ 0x4, false, set_cache },
	{ 0xb, true, set_level },
	{ 0x1f, true, set_level },
	{ 0x80000001, false, set_amd_basic },
	{ 0x80000008, false, set_amd_size },
	{ 0x8000001d, false, set_sharing },
	{ 0x8000001e, false, set_amd_ids },
	{ 0x80000026, false, clear },
};

/* Removes the subleaves of @function. Returns whether there was one. */
static bool remove_leaf(struct kvm_cpuid2 *list, uint32_t function)
{
	uint32_t kept = 0, before = list->nent;

	for (uint32_t i = 0; i < before; i++)
		if (list->entries[i].function != function)
			list->entries[kept++] = list->entries[i];
	list->nent = kept;
	return kept < before;
}

static int add_levels(struct kvm_cpuid2 *list, uint32_t function, struct error *err)
{
	if (list->nent > CPUID_LIST_MAX - N_LEVELS)
		return error_set(err, E2BIG, "KVM: lists more CPUID leaves than mvmm knows");
	for (uint32_t i = 0; i < N_LEVELS; i++)
		list->entries[list->nent++] = (struct kvm_cpuid_entry2){
			.function = function,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		};
	return 0;
}

int cpuid_topology_x86_add_levels(union cpuid_list *list, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(leaves) && ret == 0; i++)
		if (leaves[i].has_levels && remove_leaf(&list->kvm, leaves[i].function))
			ret = add_levels(&list->kvm, leaves[i].function, err);
	return ret;
}

/* Hygon's processors are AMD's. The name is in ebx, edx and ecx of leaf 0. */
static bool is_amd(const struct kvm_cpuid2 *list)
{
	for (uint32_t i = 0; i < list->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &list->entries[i];
		uint32_t name[] = { e->ebx, e->edx, e->ecx };

		if (e->function == 0)
			return memcmp(name, "AuthenticAMD", sizeof(name)) == 0 ||
			       memcmp(name, "HygonGenuine", sizeof(name)) == 0;
	}
	return false;
}

void cpuid_topology_x86_set(union cpuid_list *list, const struct boot_topology *topology,
			    unsigned apic_id)
{
	const struct place place = {
		.topology = *topology,
		.apic_id = apic_id,
		.core_shift = topology_x86_core_shift(topology),
		.socket_shift = topology_x86_socket_shift(topology),
		.in_socket = topology->cores * topology->threads,
		.amd = is_amd(&list->kvm),
	};

	for (uint32_t i = 0; i < list->kvm.nent; i++)
		for (size_t l = 0; l < ARRAY_SIZE(leaves); l++)
			if (leaves[l].function == list->kvm.entries[i].function)
				leaves[l].set(&list->kvm.entries[i], &place);
}
