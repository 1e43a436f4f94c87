/* SPDX-License-Identifier: Apache-2.0 */
/* The VM's file descriptor: memory slots, interrupts, doorbells. vCPUs are in vcpu.h. */
#ifndef MVMM_VMM_KVM_H
#define MVMM_VMM_KVM_H

#include "vmm/error.h"

#include <stdbool.h>
#include <stdint.h>

struct kvm {
	int dev_fd;   /* owned: /dev/kvm */
	int vm_fd;    /* owned */
	int run_size; /* bytes of a vCPU's struct kvm_run mapping */
	unsigned n_slots;
	unsigned max_slots;
};

/*
 * Opens /dev/kvm and makes an empty VM. Its parts are best added in the order of this file: slots,
 * interrupt controllers, vCPUs, doorbells. A slot that comes after the controllers waits for a
 * grace period of the kernel's, some milliseconds. -errno with @err set: no /dev/kvm, no
 * permission, or a KVM that lacks what mvmm needs.
 */
int kvm_open(struct kvm *kvm, struct error *err);

/* Takes a zeroed or half-built one. */
void kvm_close(struct kvm *kvm);

/*
 * Maps @host, which stays the caller's and mapped, at guest-physical @start; all three are
 * multiples of 4 KiB. A store of the guest to a @readonly slot becomes an MMIO exit. -errno with
 * @err set.
 */
int kvm_add_slot(struct kvm *kvm, uint64_t start, uint64_t size, void *host, bool readonly,
		 struct error *err);

/* Takes back all slots but the first @keep. */
void kvm_remove_slots(struct kvm *kvm, unsigned keep);

/* Adds local APICs, IOAPIC and (masked) 8259s; before the first vCPU. -errno with @err set. */
int kvm_add_irqchips(struct kvm *kvm, struct error *err);

/* Each write to @fd, an eventfd, becomes an edge on @gsi. -errno with @err set. */
int kvm_add_irqfd(struct kvm *kvm, int fd, uint32_t gsi, struct error *err);

/* Each 32-bit store of @value to @addr becomes a count in @fd, without an exit. */
int kvm_add_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd, struct error *err);

/* Takes it back; that of another @fd stays. Closing @fd does not: KVM holds it. */
void kvm_remove_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd);

#endif
