/* SPDX-License-Identifier: Apache-2.0 */
/* The time-stamp counters of a VM's vCPUs, which a restore keeps together. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

#include <stdint.h>

/* Plain data. */
struct vcpu_tsc {
	uint64_t value;
	uint64_t offset; /* from the host's counter, modulo 2^64 */
	uint32_t khz;
	uint32_t has_offset; /* 1 if KVM tells it: from Linux 5.16 on */
};

/* Reads the counter of a parked vCPU. -errno with @err set. */
int vcpu_tsc_x86_save(const struct vcpu *vcpu, struct vcpu_tsc *ret_tsc, struct error *err);

/*
 * Lets the counter of @vcpu go on from its value in @tsc, whatever it counts now. @tsc may come
 * from anywhere. For a vCPU whose thread does not run the guest, before its local APIC is restored:
 * KVM counts the time of some timers by this counter. Some KVMs leave the guest the host's counter:
 * then it goes on from there. -errno with @err set: the guest's counter ran at another frequency,
 * which this host cannot give it, or would go back.
 */
int vcpu_tsc_x86_restore(const struct vcpu *vcpu, const struct vcpu_tsc *tsc, const struct kvm *kvm,
			 struct error *err);

/*
 * The same for each other vCPU of the VM: its counter goes on with that of @first, which has been
 * restored from @first_tsc, and as far from it as it was saved.
 */
int vcpu_tsc_x86_follow(const struct vcpu *vcpu, const struct vcpu_tsc *tsc,
			const struct vcpu *first, const struct vcpu_tsc *first_tsc,
			const struct kvm *kvm, struct error *err);
