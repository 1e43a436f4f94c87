/* SPDX-License-Identifier: Apache-2.0 */
/* The whole state of a vCPU, saved and restored. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/cpuid_list_x86.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_msrs_x86.h"
#include "vmm/kvm/vcpu_tsc_x86.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* Room for the registers of vector units and the like. AMX, the largest today, needs 11 KiB. */
#define VCPU_STATE_XSAVE_MAX 16384

/* Plain data, all of it set: what is not used is 0. */
struct vcpu_state {
	uint32_t id, apic_id;
	struct kvm_mp_state mp_state;
	uint32_t xsave_size; /* bytes of @xsave that are used */
	struct vcpu_tsc tsc;
	uint64_t tsc_deadline; /* in counts of @tsc; 0: no such timer runs */
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct vcpu_msrs msrs;
	struct cpuid_leaves cpuid;
	uint8_t xsave[VCPU_STATE_XSAVE_MAX] __attribute__((aligned(64)));
};

/* What a host's KVM can save. */
struct vcpu_state_host {
	struct vcpu_msr_list msrs;
	uint32_t xsave_size;
};

/*
 * Finds out what @kvm can save; it makes the ioctls on /dev/kvm, so call it before the sandbox.
 * -errno with @err set, which names what this KVM lacks.
 */
int vcpu_state_x86_probe(const struct kvm *kvm, struct vcpu_state_host *ret_host,
			 struct error *err);

/*
 * Saves @vcpu, which must be parked (vcpu.h), with all other vCPUs of the VM parked too, and nobody
 * raising interrupts. Does not change it. A periodic timer's tick that came while it was parked,
 * and that KVM has not passed on yet, is lost; a one-shot timer that has expired may interrupt once
 * more after the restore. Where it fails @state has no meaning. -errno with @err set: KVM refuses,
 * the vCPU is in the middle of an access to memory that the host could not supply, or it runs a
 * hypervisor.
 */
int vcpu_state_x86_save(const struct vcpu *vcpu, const struct vcpu_state_host *host,
			struct vcpu_state *state, struct error *err);

/*
 * Restores the @n vCPUs of @kvm, of which none runs the guest, and whose memory and interrupt
 * controllers are there; the controllers are restored after them. In a new VM the first one must
 * have its CPUID (cpuid_x86_setup), since that tells what this host gives; the others need nothing.
 * The first one's TSC goes on from its saved value, and the others stay with it.
 *
 * @states may come from anywhere. It is checked before anything is changed, so far as KVM does not
 * check it. -errno with @err set, which names the vCPU, and the ioctl or what does not fit; the
 * vCPUs must not run then.
 */
int vcpu_state_x86_restore(const struct vcpu *vcpus, unsigned n, const struct kvm *kvm,
			   const struct vcpu_state_host *host, const struct vcpu_state *states,
			   struct error *err);

/*
 * The same for vCPUs that these @states were restored to before, and that have run since. Their
 * CPUID, which KVM does not change once they have run, is as it was.
 */
int vcpu_state_x86_put_back(const struct vcpu *vcpus, unsigned n, const struct kvm *kvm,
			    const struct vcpu_state *states, struct error *err);
