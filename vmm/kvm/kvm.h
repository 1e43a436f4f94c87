/* SPDX-License-Identifier: Apache-2.0 */
/* The VM's file descriptor: memory slots, interrupts, doorbells. vCPUs are in vcpu.h. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/interrupt_line.h"

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
 * Opens @path, /dev/kvm or fd:N, and makes an empty VM. Add its parts in the order of this file:
 * slots, interrupt controllers, vCPUs, doorbells. A slot that is added after the controllers waits
 * for a grace period of the kernel, some milliseconds. -errno with @err set: no such device, no
 * permission, or KVM lacks what mvmm needs.
 */
int kvm_open(struct kvm *kvm, const char *path, struct error *err);

/* Takes a zeroed or half-built one. */
void kvm_close(struct kvm *kvm);

/*
 * Maps @host at guest-physical @start. @host stays the caller's, and must stay mapped; all three
 * are multiples of 4 KiB. A guest's store to a @readonly slot becomes an MMIO exit. -errno with
 * @err set.
 */
int kvm_add_slot(struct kvm *kvm, uint64_t start, uint64_t size, void *host, bool readonly,
		 struct error *err);

/* Removes all slots but the first @keep. */
void kvm_remove_slots(struct kvm *kvm, unsigned keep);

/* Adds local APICs, IOAPIC and (masked) 8259s; before the first vCPU. -errno with @err set. */
int kvm_add_irqchips(struct kvm *kvm, struct error *err);

/*
 * A pin of the IOAPIC. An edge is a call of KVM_IRQ_LINE and not an irqfd: for a pin, an irqfd only
 * wakes a worker of the kernel to do the same later.
 */
struct kvm_line {
	struct interrupt_line line;
	int vm_fd; /* borrowed */
	uint32_t gsi;
};

void kvm_line_init(struct kvm_line *line, const struct kvm *kvm, uint32_t gsi);

/* Each 32-bit store of @value to @addr is counted in @fd, without an exit. */
int kvm_add_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd, struct error *err);

/* Removes the doorbell of this @fd. Closing @fd does not remove it, because KVM holds it. */
void kvm_remove_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd);
