/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a VM that is in KVM and not in a vCPU: interrupt controllers, timer and clock. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/kvm/kvm.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KVM_STATE_CHIPS 3

/* Plain data, all of it set: what is not used is 0. */
struct kvm_state {
	struct kvm_irqchip chips[KVM_STATE_CHIPS]; /* both 8259s and the IOAPIC */
	struct kvm_pit_state2 pit;
	uint64_t has_pit;  /* 1 if the VM has the timer of a PC */
	uint64_t clock;	   /* what the guest's clock of KVM (kvm-clock) tells, in nanoseconds */
	uint64_t realtime; /* the host's CLOCK_REALTIME then, in nanoseconds */
};

/*
 * Saves the state of @kvm, whose vCPUs are all parked, with nobody raising interrupts. Does not
 * change it. -errno with @err set.
 */
int kvm_state_x86_save(const struct kvm *kvm, struct kvm_state *ret_state, struct error *err);

/*
 * Restores @kvm, whose vCPUs have been restored and do not run: pending interrupts of the IOAPIC
 * are delivered to them now. The guest's clock goes on where it stood; with @realtime it advances
 * by the time that has passed since the save. @state may come from anywhere. -errno with @err set,
 * which names the ioctl or what does not fit; no vCPU must run then.
 */
int kvm_state_x86_restore(const struct kvm *kvm, const struct kvm_state *state, bool realtime,
			  struct error *err);
