/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-mmio device in its slot of layout.h: gives the device its page of registers and its
 * eventfds, and puts the registers on the bus. Loads come from the page; QueueNotify and the
 * acknowledgement of used buffers are eventfds in KVM; every other store is made on the event
 * loop's thread.
 */
#pragma once

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
 * Puts @dev, which stays the caller's, into slot @number. -errno with @err set; virtio_slot_fini
 * frees a half-built slot.
 */
int virtio_slot_init(struct virtio_slot *slot, unsigned number, struct virtio_device *dev,
		     struct event_loop *loop, const struct register_pages *pages,
		     struct error *err);

/*
 * Connects interrupt and doorbells to the VM. Separate from init, because doorbells cost KVM least
 * when everything else of the VM exists.
 */
int virtio_slot_connect(struct virtio_slot *slot, struct kvm *kvm, struct error *err);

/* Undoes virtio_slot_connect, all or part of it. */
void virtio_slot_disconnect(struct virtio_slot *slot, struct kvm *kvm);

/*
 * The last step: from here on vCPUs and doorbells reach the device, and only the VM's end may free
 * it. @also, or NULL, is a region that is added together with the registers. -errno with @err set
 * if the bus is full, which is a bug of layout.h.
 */
int virtio_slot_start(struct virtio_slot *slot, struct bus *mmio_bus, struct bus_region *also,
		      struct error *err);

/* Takes a zeroed one. The slot then reads as zero. */
void virtio_slot_fini(struct virtio_slot *slot);
