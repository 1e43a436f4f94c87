// SPDX-License-Identifier: Apache-2.0
/* A strict driver for virtio-mmio version 2. Start reading at virtio_mmio_start. */
#include "virtio_mmio.h"

#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "virtio_pci.h"

#include <stddef.h>

#define ACKNOWLEDGED VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER (ACKNOWLEDGED | VIRTIO_CONFIG_S_DRIVER)
#define FEATURES_OK (DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define DRIVER_OK (FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

uint32_t virtio_mmio_read(const struct virtio_mmio *device, unsigned offset)
{
	return device->pci ? virtio_pci_read(device, offset) : read32(device->base + offset);
}

void virtio_mmio_write(const struct virtio_mmio *device, unsigned offset, uint32_t value)
{
	if (device->pci)
		virtio_pci_write(device, offset, value);
	else
		write32(device->base + offset, value);
}

bool virtio_mmio_probe(uint64_t base, uint32_t pin, struct virtio_mmio *ret_device)
{
	ret_device->base = base;
	ret_device->doorbell = base + VIRTIO_MMIO_QUEUE_NOTIFY;
	ret_device->pci = false;
	ret_device->pin = pin;
	if (virtio_mmio_read(ret_device, VIRTIO_MMIO_MAGIC_VALUE) != VIRTIO_MMIO_MAGIC ||
	    virtio_mmio_read(ret_device, VIRTIO_MMIO_VERSION) != 2)
		return false;
	ret_device->id = virtio_mmio_read(ret_device, VIRTIO_MMIO_DEVICE_ID);
	return ret_device->id != 0;
}

static void interrupt(void *arg, uint64_t tsc)
{
	struct virtio_mmio *device = arg;
	uint32_t status = virtio_mmio_read(device, VIRTIO_MMIO_INTERRUPT_STATUS);

	virtio_mmio_write(device, VIRTIO_MMIO_INTERRUPT_ACK, status);
	virtio_mmio_note_interrupt(device, status, tsc);
}

void virtio_mmio_route(struct virtio_mmio *device, uint32_t apic_id)
{
	if (device->pci)
		virtio_pci_route(device, apic_id);
	else
		interrupts_route(device->pin, apic_id, interrupt, device);
}

bool virtio_mmio_find(uint32_t id, struct virtio_mmio *ret_device)
{
	for (unsigned i = 0; i < machine.n_slots; i++) {
		const struct machine_slot *slot = &machine.slots[i];

		if (virtio_mmio_probe(slot->base, slot->pin, ret_device) && ret_device->id == id) {
			virtio_mmio_route(ret_device, machine.apic_ids[0]);
			return true;
		}
	}
	return false;
}

const char *virtio_mmio_reset(struct virtio_mmio *device)
{
	uint32_t status;

	virtio_mmio_write(device, VIRTIO_MMIO_STATUS, 0);
	status = virtio_mmio_read(device, VIRTIO_MMIO_STATUS);
	if (status)
		return fail("status is 0x%x after a reset", status);
	if (virtio_mmio_read(device, VIRTIO_MMIO_INTERRUPT_STATUS))
		return "a reset left InterruptStatus set";
	virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_SEL, 0);
	if (virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_READY))
		return "a reset left QueueReady set";
	return NULL;
}

/* Sets a step of the status and sees whether it is there. */
static const char *step(struct virtio_mmio *device, uint32_t status)
{
	uint32_t now;

	virtio_mmio_write(device, VIRTIO_MMIO_STATUS, status);
	now = virtio_mmio_read(device, VIRTIO_MMIO_STATUS);
	return now == status ? NULL : fail("status 0x%x reads back as 0x%x", status, now);
}

const char *virtio_mmio_negotiate(struct virtio_mmio *device, uint64_t features)
{
	const char *error = step(device, ACKNOWLEDGED);

	if (!error)
		error = step(device, DRIVER);
	if (error)
		return error;
	virtio_mmio_write(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	virtio_mmio_write(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	virtio_mmio_write(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	virtio_mmio_write(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	return step(device, FEATURES_OK);
}

static void write_address(struct virtio_mmio *device, unsigned low, uint64_t addr)
{
	virtio_mmio_write(device, low, (uint32_t)addr);
	virtio_mmio_write(device, low + 4, (uint32_t)(addr >> 32));
}

void virtio_mmio_place_queue(struct virtio_mmio *device, uint32_t size, uint64_t desc,
			     uint64_t avail, uint64_t used)
{
	virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_NUM, size);
	write_address(device, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	write_address(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail);
	write_address(device, VIRTIO_MMIO_QUEUE_USED_LOW, used);
}

const char *virtio_mmio_add_queue(struct virtio_mmio *device, unsigned number,
				  struct virtqueue *queue, uint16_t most)
{
	uint32_t max;

	virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_SEL, number);
	if (virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_READY))
		return fail("queue %u is ready before its set-up", number);
	max = virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (max < 2 || max & (max - 1))
		return fail("QueueSizeMax of queue %u is %u", number, max);
	virtqueue_init(queue, max < most ? (uint16_t)max : most);
	virtio_mmio_place_queue(device, queue->size, (uint64_t)queue->desc, (uint64_t)&queue->avail,
				(uint64_t)&queue->used);
	virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_READY, 1);
	if (virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_READY) != 1)
		return fail("queue %u does not become ready", number);
	return NULL;
}

const char *virtio_mmio_driver_ok(struct virtio_mmio *device)
{
	return step(device, DRIVER_OK);
}

const char *virtio_mmio_start(struct virtio_mmio *device, uint64_t features,
			      struct virtqueue *queues, unsigned n, uint16_t most)
{
	const char *error = virtio_mmio_reset(device);

	virtio_mmio_write(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	if (!error && !(virtio_mmio_read(device, VIRTIO_MMIO_DEVICE_FEATURES) &
			1U << (VIRTIO_F_VERSION_1 - 32)))
		error = "VIRTIO_F_VERSION_1 is not offered";
	if (!error)
		error = virtio_mmio_negotiate(device, 1UL << VIRTIO_F_VERSION_1 | features);
	for (unsigned i = 0; i < n && !error; i++)
		error = virtio_mmio_add_queue(device, i, &queues[i], most);
	if (!error)
		error = virtio_mmio_driver_ok(device);
	device->interrupts = 0;
	device->used_interrupts = 0;
	device->config_interrupts = 0;
	return error;
}

bool virtio_mmio_await(struct virtio_mmio *device, struct virtqueue *queue,
		       struct vring_used_elem *ret_elem)
{
	for (;;) {
		uint32_t seen = device->used_interrupts;

		if (virtqueue_take(queue, ret_elem))
			return true;
		if (!interrupts_wait(&device->used_interrupts, seen))
			return false;
	}
}
