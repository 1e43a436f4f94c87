/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-mmio device in its slot of layout.h: gives the device the page and the descriptors in
 * which it sees KVM, and puts its registers on the bus. Loads come from the page; QueueNotify and
 * the acknowledgement of used buffers are eventfds in KVM; every other store is made on the event
 * loop's thread.
 */
#ifndef MVMM_VMM_VIRTIO_SLOT_H
#define MVMM_VMM_VIRTIO_SLOT_H

#include "devices/virtio/virtio_mmio.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/register_pages.h"

struct virtio_slot {
	unsigned number;
	struct virtio_mmio mmio;
	struct bus_region registers;
	const struct register_pages *pages; /* borrowed */
	struct kvm_line interrupt;
	int doorbell_fds[VIRTIO_MMIO_MAX_QUEUES]; /* owned */
};

/*
 * Plugs @dev, which stays the caller's, into slot @number. -errno with @err set; a half-built slot
 * is for virtio_slot_fini.
 */
int virtio_slot_init(struct virtio_slot *slot, unsigned number, struct virtio_device *dev,
		     struct event_loop *loop, const struct register_pages *pages,
		     struct error *err);

/*
 * Connects interrupt and doorbells to the VM. Apart from init, because KVM pays for doorbells least
 * when everything else of the VM is there already.
 */
int virtio_slot_connect(struct virtio_slot *slot, struct kvm *kvm, struct error *err);

/* Undoes what connect has done, all or part of it. */
void virtio_slot_disconnect(struct virtio_slot *slot, struct kvm *kvm);

/*
 * The last step: from here on vCPUs and doorbells reach the device, and only the VM's end may take
 * it down. @also, or NULL, is a region that comes onto the bus together with the registers. -errno
 * with @err set: no place on the bus, for which layout.h has no reason.
 */
int virtio_slot_start(struct virtio_slot *slot, struct bus *mmio_bus, struct bus_region *also,
		      struct error *err);

/* Takes a zeroed one. The slot then reads as zero. */
void virtio_slot_fini(struct virtio_slot *slot);

#endif
