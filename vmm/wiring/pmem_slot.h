/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-pmem device in the VM: the device, its virtio-mmio slot, its memory in the guest's view,
 * and the accesses to it that KVM cannot make itself.
 */
#pragma once

#include "devices/virtio/pmem.h"
#include "vmm/kvm/bus.h"
#include "vmm/wiring/virtio_slot.h"

struct pmem_slot {
	struct pmem pmem;
	struct virtio_slot slot;
	struct bus_region memory; /* the accesses that KVM leaves to us */
};

/* Adds the backing's one or two regions to @mem. -errno with @err set. */
int pmem_slot_add_memory(const struct pmem_backing *backing, gpa_t start, struct guest_memory *mem,
			 struct error *err);

/*
 * Makes the device @id in slot @number; @backing is at @start. All pointers stay the caller's.
 * -errno with @err set; pmem_slot_fini frees a half-built one.
 */
int pmem_slot_init(struct pmem_slot *slot, unsigned number, const char *id,
		   struct pmem_backing *backing, gpa_t start, struct event_loop *loop,
		   const struct guest_memory *mem, const struct register_pages *pages,
		   struct error *err);

/* The last step, as virtio_slot_start. */
int pmem_slot_start(struct pmem_slot *slot, struct bus *mmio_bus, struct error *err);

/* Takes a zeroed one. */
void pmem_slot_fini(struct pmem_slot *slot);
