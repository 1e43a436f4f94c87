/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID leaves that tell sockets, cores, threads, local APIC ids, and which of them share a cache.
 * KVM passes some of them as they are on the host, and leaves others empty.
 */
#pragma once

#include "boot/boot.h"
#include "vmm/base/error.h"
#include "vmm/kvm/cpuid_list_x86.h"

/*
 * Replaces the levels of leaves that list levels (0xb, 0x1f), where KVM has the leaf: it may list
 * the first one only. Once for all vCPUs. -E2BIG with @err set if the list has no room for them.
 */
int cpuid_topology_x86_add_levels(union cpuid_list *list, struct error *err);

/* Tells @topology in all leaves of @list, for the vCPU with this local APIC id. */
void cpuid_topology_x86_set(union cpuid_list *list, const struct boot_topology *topology,
			    unsigned apic_id);
