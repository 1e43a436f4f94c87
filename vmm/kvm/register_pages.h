/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of all virtio slots (layout.h) as memory: a page for each, and one for the
 * generation id, in one read-only memory slot of KVM. The guest loads from them without an exit;
 * its stores exit, or ring a doorbell.
 *
 * Linux maps registers uncached. On Intel KVM ignores that, unless the CPU keeps both views
 * coherent by itself (KVM_X86_QUIRK_IGNORE_GUEST_PAT in the kernel's KVM API); AMD's CPUs do.
 */
#pragma once

#include "vmm/kvm/kvm.h"

struct register_pages {
	uint8_t *host;	    /* owned; pages that are never written take no memory */
	int acknowledge_fd; /* owned: an eventfd for stores that need no action; never read */
};

/* Adds the memory slot; call it before the interrupt controllers (kvm.h). -errno with @err set. */
int register_pages_init(struct register_pages *pages, struct kvm *kvm, struct error *err);

/* The registers of slot @number, LAYOUT_VIRTIO_SIZE bytes, initially zero. */
void *register_pages_get(const struct register_pages *pages, unsigned number);

/* The page of the generation id, LAYOUT_VMGENID_SIZE bytes, initially zero. */
void *register_pages_vmgenid(const struct register_pages *pages);

/* Takes a zeroed or half-built one; call it after kvm_close. */
void register_pages_fini(struct register_pages *pages);
