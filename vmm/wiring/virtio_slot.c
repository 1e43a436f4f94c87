// SPDX-License-Identifier: Apache-2.0
/* Connects a virtio-mmio device to the bus and to KVM. */
#include "vmm/wiring/virtio_slot.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* KVM answers loads from the page; this is only for loads that it leaves to us. */
static uint64_t registers_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	const struct virtio_slot *slot = container_of(region, struct virtio_slot, registers);
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)slot->mmio.registers + offset, size);
	return value;
}

static void registers_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	struct virtio_slot *slot = container_of(region, struct virtio_slot, registers);

	virtio_mmio_write(&slot->mmio, offset, size, value);
}

static const struct bus_ops registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.thread = BUS_STORES_ON_LOOP,
};

static int new_eventfd(int *ret_fd, struct error *err)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return error_system(err, errno, "cannot make an eventfd");
	*ret_fd = fd;
	return 0;
}

int virtio_slot_init(struct virtio_slot *slot, unsigned number, struct virtio_device *dev,
		     struct event_loop *loop, const struct register_pages *pages, struct error *err)
{
	int ret = 0;

	/* virtio_mmio_init clears the rest, which is large, as far as it has to be. */
	slot->number = number;
	slot->pages = pages;
	memset(&slot->interrupt, 0, sizeof(slot->interrupt));
	memset(slot->doorbell_fds, 0, sizeof(slot->doorbell_fds));
	for (unsigned i = 0; i < dev->n_queues && ret == 0; i++)
		ret = new_eventfd(&slot->doorbell_fds[i], err);
	if (ret < 0)
		return ret;
	slot->registers = (struct bus_region){
		.start = LAYOUT_VIRTIO_BASE + (uint64_t)number * LAYOUT_VIRTIO_SIZE,
		.size = LAYOUT_VIRTIO_SIZE,
		.ops = &registers_ops,
	};
	virtio_mmio_init(&slot->mmio, dev, loop, &slot->interrupt.line, slot->doorbell_fds,
			 register_pages_get(pages, number));
	return 0;
}

/* Acknowledged buffers need no action (virtio_mmio.h), so nobody reads this eventfd. */
static int swallow_acknowledgements(struct virtio_slot *slot, struct kvm *kvm, struct error *err)
{
	int ret = kvm_add_doorbell(kvm, slot->registers.start + VIRTIO_MMIO_INTERRUPT_ACK,
				   VIRTIO_MMIO_INT_VRING, slot->pages->acknowledge_fd, err);

	/* It is left from a device that could not be plugged here. */
	return ret == -EEXIST ? 0 : ret;
}

int virtio_slot_connect(struct virtio_slot *slot, struct kvm *kvm, struct error *err)
{
	uint64_t notify = slot->registers.start + VIRTIO_MMIO_QUEUE_NOTIFY;
	int ret = swallow_acknowledgements(slot, kvm, err);

	kvm_line_init(&slot->interrupt, kvm, LAYOUT_VIRTIO_GSI + slot->number);
	for (unsigned i = 0; i < slot->mmio.dev->n_queues && ret == 0; i++)
		ret = kvm_add_doorbell(kvm, notify, i, slot->doorbell_fds[i], err);
	return ret;
}

void virtio_slot_disconnect(struct virtio_slot *slot, struct kvm *kvm)
{
	uint64_t notify = slot->registers.start + VIRTIO_MMIO_QUEUE_NOTIFY;

	for (unsigned i = 0; i < VIRTIO_MMIO_MAX_QUEUES; i++)
		if (slot->doorbell_fds[i] > 0)
			kvm_remove_doorbell(kvm, notify, i, slot->doorbell_fds[i]);
}

int virtio_slot_start(struct virtio_slot *slot, struct bus *mmio_bus, struct bus_region *also,
		      struct error *err)
{
	struct bus_region *const regions[] = { &slot->registers, also };
	int ret = bus_add_all(mmio_bus, regions, also ? 2 : 1);

	if (ret < 0)
		return error_system(err, -ret, "cannot put virtio slot %u on the bus",
				    slot->number);
	virtio_mmio_start(&slot->mmio);
	return 0;
}

void virtio_slot_fini(struct virtio_slot *slot)
{
	for (unsigned i = 0; i < VIRTIO_MMIO_MAX_QUEUES; i++) {
		if (slot->doorbell_fds[i] <= 0)
			continue;
		if (slot->mmio.loop)
			event_loop_unregister(slot->mmio.loop, slot->doorbell_fds[i]);
		close(slot->doorbell_fds[i]);
	}
	if (slot->pages)
		memset(register_pages_get(slot->pages, slot->number), 0, LAYOUT_VIRTIO_SIZE);
	*slot = (struct virtio_slot){ 0 };
}
