// SPDX-License-Identifier: Apache-2.0
/*
 * Topology in CPUID, of processors made up. What the leaves say is decoded as kernels do: vCPUs are
 * in one core, in one socket or at one cache if their APIC ids are the same without the low bits.
 */
#include "vmm/kvm/cpuid_topology_x86.h"

#include "boot/topology_x86.h"
#include "tests/support/check.h"

#include <errno.h>

TestSuite(cpuid_topology_x86, .timeout = 15);

#define GENU 0x756e6547
#define INEI 0x49656e69
#define NTEL 0x6c65746e
#define AUTH 0x68747541
#define ENTI 0x69746e65
#define CAMD 0x444d4163

#define LEAF(f, i, has_index, a, b, c, d)                                                          \
	{                                                                                          \
		.function = (f), .index = (i), .flags = (has_index), .eax = (a), .ebx = (b),       \
		.ecx = (c), .edx = (d)                                                             \
	}

/* A host of 2 sockets with 20 cores of 2 threads; KVM lists only the first level of 0xb. */
static const struct kvm_cpuid_entry2 intel[] = {
	LEAF(0x0, 0, 0, 0x1f, GENU, NTEL, INEI),
	LEAF(0x1, 0, 0, 0x50657, 0x4d400800, 0xfffa3203, 0x1f8bfbff),
	LEAF(0x2, 0, 0, 0x76036301, 0xf0b5ff, 0, 0xc30000),
	LEAF(0x4, 0, 1, 0x7c004121, 0x1c0003f, 0x3f, 0),
	LEAF(0x4, 1, 1, 0x7c004122, 0x1c0003f, 0x3f, 0),
	LEAF(0x4, 2, 1, 0x7c004143, 0x3c0003f, 0x3ff, 0),
	LEAF(0x4, 3, 1, 0x7c0fc163, 0x280003f, 0x9fff, 4),
	LEAF(0x4, 4, 1, 0xffffc000, 0, 0, 0),
	LEAF(0xb, 0, 1, 0, 0, 0, 0x4d),
	LEAF(0xd, 0, 1, 0x2e7, 0xa88, 0xa88, 0),
	LEAF(0x1f, 0, 1, 1, 2, 0x100, 0x4d),
	LEAF(0x1f, 1, 1, 6, 40, 0x201, 0x4d),
	LEAF(0x80000000, 0, 0, 0x80000008, 0, 0, 0),
	LEAF(0x80000001, 0, 0, 0, 0, 0x121, 0x2c100800),
	LEAF(0x80000006, 0, 0, 0, 0, 0x1006040, 0),
	LEAF(0x80000008, 0, 0, 0x302e, 0, 0, 0),
};

/* A host of 2 sockets with 64 cores of 2 threads, 4 of which share the last cache. */
static const struct kvm_cpuid_entry2 amd[] = {
	LEAF(0x0, 0, 0, 0x10, AUTH, CAMD, ENTI),
	LEAF(0x1, 0, 0, 0xa00f11, 0x23800800, 0xfed83203, 0x78bfbff),
	LEAF(0x4, 0, 1, 0, 0, 0, 0),
	LEAF(0xb, 0, 1, 1, 2, 0x100, 0x23),
	LEAF(0xb, 1, 1, 7, 128, 0x201, 0x23),
	LEAF(0xb, 2, 1, 0, 0, 2, 0x23),
	LEAF(0x80000000, 0, 0, 0x80000026, AUTH, CAMD, ENTI),
	LEAF(0x80000001, 0, 0, 0xa00f11, 0x40000000, 0x4003f3, 0x2fd3fbff),
	LEAF(0x80000005, 0, 0, 0xff40ff40, 0xff40ff40, 0x20080140, 0x20080140),
	LEAF(0x80000008, 0, 0, 0x3030, 0x111ed205, 0x707f, 0),
	LEAF(0x8000001d, 0, 1, 0x4121, 0x1c0003f, 0x3f, 0),
	LEAF(0x8000001d, 1, 1, 0x4122, 0x1c0003f, 0x3f, 0),
	LEAF(0x8000001d, 2, 1, 0x4143, 0x1c0003f, 0x3ff, 2),
	LEAF(0x8000001d, 3, 1, 0x3c163, 0x3c0003f, 0x7fff, 1),
	LEAF(0x8000001d, 4, 1, 0, 0, 0, 0),
	LEAF(0x8000001e, 0, 0, 0x23, 0x111, 0x300, 77),
	LEAF(0x80000026, 0, 1, 1, 2, 0x100, 0x23),
	LEAF(0x80000026, 1, 1, 4, 16, 0x201, 0x23),
};

static const struct boot_topology topologies[] = {
	{ 1, 1, 1 }, { 1, 2, 1 }, { 1, 3, 1 }, { 1, 5, 1 }, { 1, 32, 1 }, { 2, 1, 1 },
	{ 3, 1, 1 }, { 1, 1, 2 }, { 1, 1, 3 }, { 5, 1, 1 }, { 1, 16, 2 }, { 2, 8, 2 },
	{ 4, 8, 1 }, { 2, 3, 1 }, { 2, 2, 3 }, { 3, 5, 2 }, { 2, 3, 5 },
};

static unsigned count(const struct boot_topology *t)
{
	return t->sockets * t->cores * t->threads;
}

static unsigned width(unsigned n)
{
	unsigned bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

static union cpuid_list lists[BOOT_MAX_CPUS];
static struct error err;

static void set_up(const struct kvm_cpuid_entry2 *leaves, unsigned n, const struct boot_topology *t)
{
	union cpuid_list list = { .kvm.nent = n };

	memcpy(list.kvm.entries, leaves, n * sizeof(leaves[0]));
	check_eq(cpuid_topology_x86_add_levels(&list, &err), 0, "%s", err.text);
	/* One after the other in one list, as a VM is set up. */
	for (unsigned i = 0; i < count(t); i++) {
		cpuid_topology_x86_set(&list, t, topology_x86_apic_id(t, i));
		lists[i] = list;
	}
}

/* Of vCPU @i; NULL if the leaf is not there. A leaf that is there twice is a mistake. */
static const struct kvm_cpuid_entry2 *find(unsigned i, uint32_t function, uint32_t subleaf)
{
	const struct kvm_cpuid_entry2 *found = NULL;

	for (unsigned n = 0; n < lists[i].kvm.nent; n++) {
		const struct kvm_cpuid_entry2 *e = &lists[i].kvm.entries[n];

		if (e->function != function || e->index != subleaf)
			continue;
		cr_assert(!found, "leaf 0x%x, %u is there twice", function, subleaf);
		found = e;
	}
	return found;
}

static const struct kvm_cpuid_entry2 *leaf(unsigned i, uint32_t function, uint32_t subleaf)
{
	const struct kvm_cpuid_entry2 *e = find(i, function, subleaf);

	cr_assert(e, "leaf 0x%x, %u is not there", function, subleaf);
	return e;
}

static unsigned core_of(const struct boot_topology *t, unsigned i)
{
	return i / t->threads;
}

static unsigned socket_of(const struct boot_topology *t, unsigned i)
{
	return i / (t->threads * t->cores);
}

/* vCPUs with the same id behind @shift bits are those of one core, or of one socket. */
static void check_shift(const struct boot_topology *t, unsigned shift, bool socket)
{
	for (unsigned a = 0; a < count(t); a++)
		for (unsigned b = 0; b < count(t); b++) {
			bool same = leaf(a, 1, 0)->ebx >> 24 >> shift ==
				    leaf(b, 1, 0)->ebx >> 24 >> shift;
			bool want = socket ? socket_of(t, a) == socket_of(t, b)
					   : core_of(t, a) == core_of(t, b);

			check_eq(same, want, "vCPUs %u and %u of %u * %u * %u, shift %u", a, b,
				 t->sockets, t->cores, t->threads, shift);
		}
}

static void check_levels(const struct boot_topology *t, uint32_t function)
{
	check_shift(t, leaf(0, function, 0)->eax, false);
	check_shift(t, leaf(0, function, 1)->eax, true);
	for (unsigned i = 0; i < count(t); i++) {
		check_eq(leaf(i, function, 0)->ebx, t->threads);
		check_eq(leaf(i, function, 0)->ecx, 0x100, "threads");
		check_eq(leaf(i, function, 1)->ebx, t->cores * t->threads);
		check_eq(leaf(i, function, 1)->ecx, 0x201, "cores");
		check_eq(leaf(i, function, 2)->eax, 0);
		check_eq(leaf(i, function, 2)->ebx, 0);
		check_eq(leaf(i, function, 2)->ecx, 2, "it ends the list");
		cr_assert(!find(i, function, 3));
		for (unsigned level = 0; level < 3; level++) {
			const struct kvm_cpuid_entry2 *e = leaf(i, function, level);

			check_eq(e->edx, topology_x86_apic_id(t, i), "x2APIC id");
			check_eq(e->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		}
	}
}

/* Three caches of a core and one of a socket, whose own bits are those of before. */
static void check_caches(const struct boot_topology *t, uint32_t function,
			 const struct kvm_cpuid_entry2 *before)
{
	for (unsigned cache = 0; cache < 4; cache++) {
		const struct kvm_cpuid_entry2 *e = leaf(0, function, cache);

		check_shift(t, width((e->eax >> 14 & 0xfff) + 1), cache == 3);
		check_eq(e->eax & 0x3fff, before[cache].eax & 0x3fff);
		check_eq(e->ebx, before[cache].ebx);
		check_eq(e->ecx, before[cache].ecx);
		check_eq(e->edx, before[cache].edx);
	}
	check_eq(leaf(0, function, 4)->eax, 0, "no more caches");
}

static void check_basic(const struct boot_topology *t)
{
	unsigned in_socket = t->cores * t->threads;

	for (unsigned i = 0; i < count(t); i++) {
		const struct kvm_cpuid_entry2 *e = leaf(i, 1, 0);

		check_eq(e->ebx >> 24, topology_x86_apic_id(t, i));
		check_eq(e->ebx >> 16 & 0xff, in_socket);
		check_eq(e->ebx & 0xffff, 0x0800, "not of the topology");
		check_eq(e->edx >> 28 & 1, in_socket > 1, "HTT");
	}
}

Test(cpuid_topology_x86, intel)
{
	for (size_t c = 0; c < ARRAY_SIZE(topologies); c++) {
		const struct boot_topology *t = &topologies[c];

		set_up(intel, ARRAY_SIZE(intel), t);
		check_basic(t);
		check_levels(t, 0xb);
		check_levels(t, 0x1f);
		check_caches(t, 4, &intel[3]);
		check_eq((leaf(0, 4, 0)->eax >> 26) + 1, 1u << width(t->cores));
		check_eq(leaf(0, 0x80000001, 0)->ecx, 0x121);
		check_eq(lists[0].kvm.nent, ARRAY_SIZE(intel) + 2 + 1);
	}
}

Test(cpuid_topology_x86, amd)
{
	for (size_t c = 0; c < ARRAY_SIZE(topologies); c++) {
		const struct boot_topology *t = &topologies[c];
		unsigned in_socket = t->cores * t->threads;

		set_up(amd, ARRAY_SIZE(amd), t);
		check_basic(t);
		check_levels(t, 0xb);
		check_caches(t, 0x8000001d, &amd[10]);
		check_eq(leaf(0, 4, 0)->eax, 0, "AMD has no leaf 4");
		for (unsigned i = 0; i < count(t); i++) {
			const struct kvm_cpuid_entry2 *size = leaf(i, 0x80000008, 0);
			const struct kvm_cpuid_entry2 *ids = leaf(i, 0x8000001e, 0);

			check_eq(size->ecx & 0xff, in_socket - 1);
			check_shift(t, size->ecx >> 12 & 0xf, true);
			check_eq(ids->eax, topology_x86_apic_id(t, i));
			check_eq(ids->ebx & 0xff, core_of(t, i) % t->cores);
			check_eq((ids->ebx >> 8 & 0xff) + 1, t->threads);
			check_eq(ids->ecx, socket_of(t, i), "one node in a socket");
			check_eq(ids->edx, 77);
			check_eq(leaf(i, 0x80000001, 0)->ecx, in_socket > 1 ? 0x4003f3 : 0x4003f1,
				 "CmpLegacy");
			for (unsigned level = 0; level < 2; level++)
				check_eq(leaf(i, 0x80000026, level)->ebx, 0, "the host's levels");
		}
		check_eq(lists[0].kvm.nent, ARRAY_SIZE(amd));
	}
}

/* Kernels divide ids by the number that shares a cache, so it is a power of two. */
Test(cpuid_topology_x86, what_shares_a_cache_divides_ids)
{
	static const struct boot_topology t = { 1, 3, 3 };

	set_up(amd, ARRAY_SIZE(amd), &t);
	check_eq((leaf(0, 0x8000001d, 0)->eax >> 14) + 1, 4);
	check_eq((leaf(0, 0x8000001d, 3)->eax >> 14) + 1, 16);
}

/* All that is not topology stays. */
Test(cpuid_topology_x86, other_leaves_stay)
{
	static const uint32_t intels[] = { 0x0, 0x2, 0xd, 0x80000000, 0x80000006 };
	static const uint32_t amds[] = { 0x0, 0x80000000, 0x80000005 };

	set_up(intel, ARRAY_SIZE(intel), &topologies[4]);
	for (size_t i = 0; i < ARRAY_SIZE(intel); i++)
		for (size_t f = 0; f < ARRAY_SIZE(intels); f++)
			if (intel[i].function == intels[f])
				check_eq(
					memcmp(leaf(31, intels[f], 0), &intel[i], sizeof(intel[i])),
					0);
	check_eq(leaf(31, 1, 0)->ecx, intel[1].ecx);
	check_eq(leaf(31, 0x80000008, 0)->eax, 0x302e);
	set_up(amd, ARRAY_SIZE(amd), &topologies[4]);
	for (size_t i = 0; i < ARRAY_SIZE(amd); i++)
		for (size_t f = 0; f < ARRAY_SIZE(amds); f++)
			if (amd[i].function == amds[f])
				check_eq(memcmp(leaf(31, amds[f], 0), &amd[i], sizeof(amd[i])), 0);
	check_eq(leaf(31, 0x80000008, 0)->ebx, 0x111ed205);
	check_eq(leaf(31, 0x80000008, 0)->ecx >> 16, 0);
}

/* A processor without a leaf of levels does not get one: its kernels look elsewhere. */
Test(cpuid_topology_x86, no_levels_where_kvm_has_none)
{
	set_up(amd, 3, &topologies[1]);
	check_eq(lists[0].kvm.nent, 3);
	cr_assert(!find(0, 0xb, 0));
}

/* Hygon's processors are AMD's under another name. */
Test(cpuid_topology_x86, hygon)
{
	static const struct kvm_cpuid_entry2 hygon[] = {
		LEAF(0x0, 0, 0, 0x10, 0x6f677948, 0x656e6975, 0x6e65476e),
		LEAF(0x80000001, 0, 0, 0, 0, 0x400000, 0),
	};

	set_up(hygon, ARRAY_SIZE(hygon), &topologies[1]);
	check_eq(leaf(0, 0x80000001, 0)->ecx, 0x400002);
	set_up(hygon + 1, 1, &topologies[1]);
	check_eq(leaf(0, 0x80000001, 0)->ecx, 0x400000, "of whatever processor");
}

Test(cpuid_topology_x86, list_without_room)
{
	union cpuid_list list = { .kvm.nent = CPUID_LIST_MAX };

	list.kvm.entries[5].function = 0xb;
	check_eq(cpuid_topology_x86_add_levels(&list, &err), -E2BIG);
	check_contains(err.text, "more CPUID leaves than mvmm knows");
	list = (union cpuid_list){ .kvm.nent = CPUID_LIST_MAX - 2 };
	list.kvm.entries[5].function = 0xb;
	check_eq(cpuid_topology_x86_add_levels(&list, &err), 0);
	check_eq(list.kvm.nent, CPUID_LIST_MAX);
}
