/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of all virtio slots (layout.h) as memory: a page each, behind one read-only memory
 * slot of KVM's. The guest loads from them without an exit; its stores exit, or ring a doorbell.
 *
 * Linux maps its registers uncached. On Intel KVM ignores that, unless the CPU keeps both views
 * coherent by itself (KVM_X86_QUIRK_IGNORE_GUEST_PAT in the kernel's KVM API); AMD's CPUs do.
 */
#ifndef MVMM_VMM_REGISTER_PAGES_H
#define MVMM_VMM_REGISTER_PAGES_H

#include "vmm/kvm/kvm.h"

struct register_pages {
	uint8_t *host;	    /* owned; pages that nobody writes to take no memory */
	int acknowledge_fd; /* owned: an eventfd for stores that ask for nothing; never read */
};

/* Adds the memory slot: like all of them before the interrupt controllers. -errno with @err set. */
int register_pages_init(struct register_pages *pages, struct kvm *kvm, struct error *err);

/* The registers of slot @number, LAYOUT_VIRTIO_SIZE bytes, zero before anybody writes to them. */
void *register_pages_get(const struct register_pages *pages, unsigned number);

/* Takes a zeroed or half-built one, once the VM is gone. */
void register_pages_fini(struct register_pages *pages);

#endif
