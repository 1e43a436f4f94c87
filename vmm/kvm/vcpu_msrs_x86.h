/* SPDX-License-Identifier: Apache-2.0 */
/* The model-specific registers of a vCPU: which ones KVM has, and their values. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#define VCPU_MSRS_MAX 256

/* Which registers a host's KVM has. */
struct vcpu_msr_list {
	uint32_t n;
	uint32_t indices[VCPU_MSRS_MAX];
};

/* Registers and their values: plain data, laid out as KVM's. */
struct vcpu_msrs {
	uint32_t nmsrs, pad;
	struct kvm_msr_entry entries[VCPU_MSRS_MAX];
};

_Static_assert(offsetof(struct vcpu_msrs, entries) == sizeof(struct kvm_msrs), "as KVM's");

/* Lists the registers that belong to the state of a vCPU of @kvm. -errno with @err set. */
int vcpu_msrs_x86_list(const struct kvm *kvm, struct vcpu_msr_list *ret_list, struct error *err);

/*
 * The same, of the @n that KVM lists: those and the MTRRs, without what can only be written, and
 * without the two that depend on time, which vcpu_tsc_x86.h and vcpu_state_x86.h restore at a
 * moment of their own.
 */
int vcpu_msrs_x86_select(const uint32_t *listed, uint32_t n, struct vcpu_msr_list *ret_list,
			 struct error *err);

/*
 * Reads the registers of @list. Those that KVM refuses to read are left out: the CPUID of the vCPU
 * says that it has none of them. -errno with @err set: KVM refuses all, or one that every processor
 * has.
 */
int vcpu_msrs_x86_save(const struct vcpu *vcpu, const struct vcpu_msr_list *list,
		       struct vcpu_msrs *ret_msrs, struct error *err);

/*
 * Whether @msrs, which may come from anywhere, has no more than its room, and nothing that is not
 * in @list. Otherwise -errno with @err set, which names vCPU @id.
 */
int vcpu_msrs_x86_check(const struct vcpu_msrs *msrs, const struct vcpu_msr_list *list, unsigned id,
			struct error *err);

/* Writes checked registers, which the vCPU's CPUID must have. -errno with @err set. */
int vcpu_msrs_x86_restore(const struct vcpu *vcpu, const struct vcpu_msrs *msrs, struct error *err);

/* One register. -errno with @err set. */
int vcpu_msrs_x86_get(const struct vcpu *vcpu, uint32_t index, uint64_t *ret_value,
		      struct error *err);
int vcpu_msrs_x86_set(const struct vcpu *vcpu, uint32_t index, uint64_t value, struct error *err);
