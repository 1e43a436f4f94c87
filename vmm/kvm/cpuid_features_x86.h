/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The features of the processor that guests are not offered, although KVM supports them. The tables
 * are in cpuid_features_x86.c; docs/cpu-features.md explains them.
 */
#pragma once

#include "vmm/kvm/cpuid_list_x86.h"

/* Removes these features from @list. */
void cpuid_features_x86_mask(union cpuid_list *list);
