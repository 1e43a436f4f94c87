// SPDX-License-Identifier: Apache-2.0
/* Saves and loads registers and queues. Start reading at virtio_mmio_load. */
#include "devices/virtio/virtio_mmio_state.h"

#include "vmm/base/array.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

struct saved_queue {
	struct virtqueue_setup setup;
	bool ready;
	uint16_t next; /* the entry of either ring that comes next */
};

struct saved {
	uint32_t status, interrupt_status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	bool driver_features_beyond;
	struct saved_queue queues[VIRTIO_MMIO_MAX_QUEUES];
};

static void save_queue(const struct virtqueue *vq, struct state_writer *w)
{
	state_writer_u16(w, vq->setup.size);
	state_writer_u64(w, vq->setup.desc);
	state_writer_u64(w, vq->setup.driver);
	state_writer_u64(w, vq->setup.device);
	state_writer_bool(w, vq->ready);
	state_writer_u16(w, vq->used_idx);
}

void virtio_mmio_save(const struct virtio_mmio *mmio, struct state_writer *w)
{
	state_writer_u32(w, mmio->status);
	state_writer_u32(w, mmio->interrupt_status);
	state_writer_u32(w, mmio->device_features_sel);
	state_writer_u32(w, mmio->driver_features_sel);
	state_writer_u32(w, mmio->queue_sel);
	state_writer_u64(w, mmio->driver_features);
	state_writer_bool(w, mmio->driver_features_beyond);
	state_writer_u32(w, mmio->dev->n_queues);
	for (unsigned i = 0; i < mmio->dev->n_queues; i++)
		save_queue(&mmio->dev->queues[i], w);
}

static struct saved_queue read_queue(struct state_reader *r)
{
	struct saved_queue q = { 0 };

	q.setup.size = state_reader_u16(r);
	q.setup.desc = state_reader_u64(r);
	q.setup.driver = state_reader_u64(r);
	q.setup.device = state_reader_u64(r);
	q.ready = state_reader_bool(r);
	q.next = state_reader_u16(r);
	return q;
}

static struct saved read_all(const struct virtio_device *dev, struct state_reader *r)
{
	struct saved s = { 0 };
	uint32_t n;

	s.status = state_reader_u32(r);
	s.interrupt_status = state_reader_u32(r);
	s.device_features_sel = state_reader_u32(r);
	s.driver_features_sel = state_reader_u32(r);
	s.queue_sel = state_reader_u32(r);
	s.driver_features = state_reader_u64(r);
	s.driver_features_beyond = state_reader_bool(r);
	n = state_reader_count(r, "queues", VIRTIO_MMIO_MAX_QUEUES);
	if (n != dev->n_queues)
		state_reader_fail(r, EINVAL,
				  "has %" PRIu32
				  " queues, and the device has %u; restore it with the mvmm that "
				  "saved it",
				  n, dev->n_queues);
	for (unsigned i = 0; i < dev->n_queues; i++)
		s.queues[i] = read_queue(r);
	return s;
}

/* Each status bit, with those that were set before it. */
static const struct {
	uint32_t bit, needs;
} status_bits[] = {
	{ VIRTIO_CONFIG_S_ACKNOWLEDGE, 0 },
	{ VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE },
	{ VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER },
	{ VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK },
	/* It comes of a queue that cannot be made ready, or of the use of one. */
	{ VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_CONFIG_S_FEATURES_OK },
	{ VIRTIO_CONFIG_S_FAILED, 0 },
};

static bool status_possible(uint32_t status)
{
	uint32_t known = 0;

	for (size_t i = 0; i < ARRAY_SIZE(status_bits); i++) {
		known |= status_bits[i].bit;
		if (status & status_bits[i].bit && status_bits[i].needs & ~status)
			return false;
	}
	return !(status & ~known);
}

/* Only a device that is in use, or that broke while it was, has notified its driver. */
static bool interrupt_possible(uint32_t status, uint32_t interrupt)
{
	uint32_t possible = 0;

	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		possible |= VIRTIO_MMIO_INT_VRING;
	if (possible && status & VIRTIO_CONFIG_S_NEEDS_RESET)
		possible |= VIRTIO_MMIO_INT_CONFIG;
	return !(interrupt & ~possible);
}

/* What a driver can store to the registers of a queue in a device of @status. */
static bool queue_possible(uint32_t status, const struct saved_queue *q)
{
	const struct virtqueue_setup *s = &q->setup;
	bool untouched = !s->size && !s->desc && !s->driver && !s->device && !q->ready;

	if (s->size > VIRTQUEUE_MAX_SIZE)
		return false;
	if (q->next && !(q->ready && status & VIRTIO_CONFIG_S_DRIVER_OK))
		return false;
	return untouched || status & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void check_registers(const struct saved *s, struct state_reader *r)
{
	if (!status_possible(s->status))
		state_reader_fail(r, EINVAL,
				  "has the device status 0x%" PRIx32
				  ", which no driver can set; save the VM again",
				  s->status);
	if (!interrupt_possible(s->status, s->interrupt_status))
		state_reader_fail(r, EINVAL,
				  "has the interrupt status 0x%" PRIx32
				  ", which cannot be with the device status 0x%" PRIx32
				  "; save the VM again",
				  s->interrupt_status, s->status);
	if ((s->driver_features || s->driver_features_beyond) &&
	    !(s->status & VIRTIO_CONFIG_S_DRIVER))
		state_reader_fail(r, EINVAL,
				  "has features of a driver, but the device status 0x%" PRIx32
				  "; save the VM again",
				  s->status);
}

static void load_features(struct virtio_mmio *mmio, const struct saved *s, struct state_reader *r)
{
	mmio->driver_features = s->driver_features;
	mmio->driver_features_beyond = s->driver_features_beyond;
	if (!(s->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (!virtio_mmio_accepts_features(mmio))
		state_reader_fail(r, ENOTSUP,
				  "has a driver with the features 0x%" PRIx64
				  ", and the device offers 0x%" PRIx64
				  "; restore it with the mvmm that saved it",
				  s->driver_features, mmio->dev->features);
	mmio->dev->driver_features = s->driver_features;
}

static void load_queue(struct virtqueue *vq, unsigned number, uint32_t status,
		       const struct saved_queue *q, struct state_reader *r)
{
	if (!queue_possible(status, q)) {
		state_reader_fail(r, EINVAL,
				  "has a queue %u with values that cannot be with the device "
				  "status 0x%" PRIx32 "; save the VM again",
				  number, status);
		return;
	}
	vq->setup = q->setup;
	if (!q->ready)
		return;
	if (virtqueue_enable(vq) < 0) {
		state_reader_fail(r, EINVAL,
				  "has a queue %u whose size or ring address is not valid; "
				  "save the VM again",
				  number);
		return;
	}
	vq->last_avail = vq->used_idx = q->next;
}

void virtio_mmio_load(struct virtio_mmio *mmio, struct state_reader *r)
{
	const struct saved s = read_all(mmio->dev, r);

	/* A driver's reset: it stops what is in flight, too. */
	virtio_mmio_write(mmio, VIRTIO_MMIO_STATUS, 4, 0);
	check_registers(&s, r);
	load_features(mmio, &s, r);
	for (unsigned i = 0; i < mmio->dev->n_queues; i++)
		load_queue(&mmio->dev->queues[i], i, s.status, &s.queues[i], r);
	if (r->failed) {
		virtio_mmio_write(mmio, VIRTIO_MMIO_STATUS, 4, 0);
		return;
	}
	mmio->status = s.status;
	mmio->interrupt_status = s.interrupt_status;
	/* The stores also show all registers. */
	virtio_mmio_write(mmio, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4, s.device_features_sel);
	virtio_mmio_write(mmio, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, s.driver_features_sel);
	virtio_mmio_write(mmio, VIRTIO_MMIO_QUEUE_SEL, 4, s.queue_sel);
}
