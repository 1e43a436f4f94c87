/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict driver for virtio-mmio version 2 (VIRTIO 1.3, sections 3.1 and 4.2): each step is read
 * back and complained about. Start reading at virtio_mmio_start.
 */
#pragma once

#include "cpu.h"
#include "virtqueue.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define VIRTIO_MMIO_MAGIC 0x74726976

struct virtio_mmio {
	uint64_t base;
	uint64_t doorbell;    /* QueueNotify */
	bool pci;	      /* its registers are those of virtio_pci.h */
	uint64_t config, isr; /* of a PCI device */
	uint32_t pin;
	uint32_t id;
	/* Written by the interrupt handler. */
	volatile uint32_t interrupts;	   /* all of them */
	volatile uint32_t used_interrupts; /* that said: used buffer */
	volatile uint32_t config_interrupts;
	volatile uint64_t interrupt_tsc; /* of the last one */
};

uint32_t virtio_mmio_read(const struct virtio_mmio *device, unsigned offset);
void virtio_mmio_write(const struct virtio_mmio *device, unsigned offset, uint32_t value);

/* Rings the doorbell of queue 0. Inline: it is timed. */
static inline void virtio_mmio_kick(const struct virtio_mmio *device)
{
	if (device->pci)
		write16(device->doorbell, 0);
	else
		write32(device->doorbell, 0);
}

/* True if there is a device in the slot at @base; sets @ret_device to it, not yet touched. */
bool virtio_mmio_probe(uint64_t base, uint32_t pin, struct virtio_mmio *ret_device);

/*
 * Looks for the first device with @id in the slots of virtio-mmio, and routes its interrupt to the
 * first CPU. False if there is none.
 */
bool virtio_mmio_find(uint32_t id, struct virtio_mmio *ret_device);

/*
 * Takes note of an interrupt of which @status is InterruptStatus. Inline, so that virtio_pci.c,
 * which virtio_mmio.c calls, need not call back.
 */
static inline void virtio_mmio_note_interrupt(struct virtio_mmio *device, uint32_t status,
					      uint64_t tsc)
{
	device->interrupt_tsc = tsc;
	device->interrupts++;
	if (status & VIRTIO_MMIO_INT_VRING)
		device->used_interrupts++;
	if (status & VIRTIO_MMIO_INT_CONFIG)
		device->config_interrupts++;
}

/* Routes the device's interrupt to the CPU @apic_id. */
void virtio_mmio_route(struct virtio_mmio *device, uint32_t apic_id);

/* Resets the device. Returns NULL, or what it did wrong. */
const char *virtio_mmio_reset(struct virtio_mmio *device);

/*
 * The steps of section 3.1.1, to be called in this order: features, then each queue, with as many
 * entries as the device has, but at most @most, a power of two up to VIRTQUEUE_MAX. NULL, or what
 * went wrong.
 */
const char *virtio_mmio_negotiate(struct virtio_mmio *device, uint64_t features);
const char *virtio_mmio_add_queue(struct virtio_mmio *device, unsigned number,
				  struct virtqueue *queue, uint16_t most);
const char *virtio_mmio_driver_ok(struct virtio_mmio *device);

/*
 * A reset and all of these steps, with VIRTIO_F_VERSION_1 and @features, and with the @n @queues,
 * numbered from 0. NULL, or what went wrong.
 */
const char *virtio_mmio_start(struct virtio_mmio *device, uint64_t features,
			      struct virtqueue *queues, unsigned n, uint16_t most);

/* Waits for an interrupt until @queue has a used element, and takes it. False if none comes. */
bool virtio_mmio_await(struct virtio_mmio *device, struct virtqueue *queue,
		       struct vring_used_elem *ret_elem);

/* Puts the addresses of the rings and a size into the registers of the selected queue. */
void virtio_mmio_place_queue(struct virtio_mmio *device, uint32_t size, uint64_t desc,
			     uint64_t avail, uint64_t used);
