/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a vCPU with a saved CPUID can go on here. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/cpuid_list_x86.h"

/*
 * Checks that @saved, which may come from anywhere, has no more leaves than its room, and no
 * feature and no physical address bit that is not in @host: what KVM says of a vCPU that was set up
 * here, which may be more than it lists as supported. Otherwise -errno with @err set, which names
 * vCPU @id and what is missing.
 */
int cpuid_fit_x86_check(const struct cpuid_leaves *saved, const struct cpuid_leaves *host,
			unsigned id, struct error *err);
