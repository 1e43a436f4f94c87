// SPDX-License-Identifier: Apache-2.0
/* virtio-mmio registers. Start reading at virtio_mmio_write, then set_status and doorbell_done. */
#include "devices/virtio/virtio_mmio.h"

#include "vmm/base/array.h"
#include "vmm/base/container_of.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/eventfd.h>

/* The uapi header has the offset of the magic value's register, not the value. */
#define MAGIC 0x74726976
#define VERSION 2

static bool has_status(const struct virtio_mmio *mmio, uint32_t bits)
{
	return (mmio->status & bits) == bits;
}

static bool broken(const struct virtio_mmio *mmio)
{
	return has_status(mmio, VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void refuse(struct virtio_mmio *mmio, const char *what)
{
	log_guest(&mmio->limit, "%s: ignored a driver error: %s (status 0x%x)", mmio->dev->name,
		  what, mmio->status);
}

static struct virtqueue *selected_queue(struct virtio_mmio *mmio)
{
	return mmio->queue_sel < mmio->dev->n_queues ? &mmio->dev->queues[mmio->queue_sel] : NULL;
}

/* From now on the register at @offset reads as @value. A vCPU may read it at any time. */
static void show_register(struct virtio_mmio *mmio, unsigned offset, uint32_t value)
{
	__atomic_store_n(&mmio->registers[offset / 4], htole32(value), __ATOMIC_RELEASE);
}

/* Together with show_state: all other registers read as 0. */
static void show_constants(struct virtio_mmio *mmio)
{
	struct virtio_device *dev = mmio->dev;

	show_register(mmio, VIRTIO_MMIO_MAGIC_VALUE, MAGIC);
	show_register(mmio, VIRTIO_MMIO_VERSION, VERSION);
	show_register(mmio, VIRTIO_MMIO_DEVICE_ID, dev->id);
	show_register(mmio, VIRTIO_MMIO_VENDOR_ID, VIRTIO_MMIO_VENDOR);
	/* Section 4.2.2.1: all ones where there is no such region. */
	show_register(mmio, VIRTIO_MMIO_SHM_LEN_LOW, 0xffffffff);
	show_register(mmio, VIRTIO_MMIO_SHM_LEN_HIGH, 0xffffffff);
	show_register(mmio, VIRTIO_MMIO_SHM_BASE_LOW, 0xffffffff);
	show_register(mmio, VIRTIO_MMIO_SHM_BASE_HIGH, 0xffffffff);
	/* It never changes, and so ConfigGeneration stays 0. */
	if (dev->config_size)
		memcpy(mmio->registers + VIRTIO_MMIO_CONFIG / 4, dev->config, dev->config_size);
}

/* The registers that change: by a write, such as of a selector, or by the device. */
static void show_state(struct virtio_mmio *mmio)
{
	const struct virtqueue *vq = selected_queue(mmio);
	uint32_t sel = mmio->device_features_sel;

	show_register(mmio, VIRTIO_MMIO_DEVICE_FEATURES,
		      sel > 1 ? 0 : (uint32_t)(mmio->dev->features >> sel * 32));
	show_register(mmio, VIRTIO_MMIO_QUEUE_NUM_MAX, vq ? VIRTQUEUE_MAX_SIZE : 0);
	show_register(mmio, VIRTIO_MMIO_QUEUE_READY, vq && vq->ready);
	show_register(mmio, VIRTIO_MMIO_INTERRUPT_STATUS, mmio->interrupt_status);
	show_register(mmio, VIRTIO_MMIO_STATUS, mmio->status);
}

/* The status bit first, then the edge: a handler that runs for this edge finds the bit. */
static void interrupt(struct virtio_mmio *mmio, uint32_t bit)
{
	int ret;

	mmio->interrupt_status |= bit;
	show_register(mmio, VIRTIO_MMIO_INTERRUPT_STATUS, mmio->interrupt_status);
	ret = interrupt_line_pulse(mmio->line);
	if (ret < 0)
		log_host_fault(&mmio->host_limit, "%s: interrupt lost: %s", mmio->dev->name,
			       strerror(-ret));
}

static void stop_queues(struct virtio_mmio *mmio)
{
	for (unsigned i = 0; i < mmio->dev->n_queues; i++)
		mmio->dev->ops->stop_queue(mmio->dev, i);
}

static void transport_queue_used(struct virtio_transport *transport, unsigned queue)
{
	struct virtio_mmio *mmio = container_of(transport, struct virtio_mmio, transport);

	if (virtqueue_wants_interrupt(&mmio->dev->queues[queue]))
		interrupt(mmio, VIRTIO_MMIO_INT_VRING);
}

static void transport_broken(struct virtio_transport *transport, const char *why)
{
	struct virtio_mmio *mmio = container_of(transport, struct virtio_mmio, transport);

	if (broken(mmio))
		return;
	log_guest(&mmio->limit, "%s: the driver must reset the device: %s", mmio->dev->name, why);
	stop_queues(mmio);
	mmio->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	show_state(mmio);
	/* Section 2.1.2: mandatory once the driver is ready, and not before. */
	if (has_status(mmio, VIRTIO_CONFIG_S_DRIVER_OK))
		interrupt(mmio, VIRTIO_MMIO_INT_CONFIG);
}

static const struct virtio_transport_ops transport_ops = {
	.queue_used = transport_queue_used,
	.broken = transport_broken,
};

/*
 * A doorbell's eventfd does not pass the status register, so the status is checked here. A kick
 * before DRIVER_OK, or of a queue that is not ready, does nothing.
 */
static void kick(struct virtio_mmio *mmio, unsigned queue)
{
	if (has_status(mmio, VIRTIO_CONFIG_S_DRIVER_OK) && !broken(mmio) &&
	    mmio->dev->queues[queue].ready)
		mmio->dev->ops->kick(mmio->dev, queue);
}

static void await_doorbell(struct virtio_mmio_doorbell *bell)
{
	event_loop_read(bell->mmio->loop, &bell->op, bell->fd, &bell->count, sizeof(bell->count));
}

static void doorbell_done(struct event_op *op, int result)
{
	struct virtio_mmio_doorbell *bell = container_of(op, struct virtio_mmio_doorbell, op);

	kick(bell->mmio, bell->queue);
	await_doorbell(bell);
}

static void fetched(struct virtqueue_fetch *fetch)
{
	struct virtio_mmio_fetch *f = container_of(fetch, struct virtio_mmio_fetch, fetch);

	kick(f->mmio, f->queue);
}

void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *dev, struct event_loop *loop,
		      struct interrupt_line *line, const int *doorbell_fds, uint32_t *registers)
{
	memset(mmio, 0, offsetof(struct virtio_mmio, fetches));
	mmio->transport.ops = &transport_ops;
	mmio->dev = dev;
	mmio->loop = loop;
	mmio->line = line;
	mmio->registers = registers;
	dev->transport = &mmio->transport;
	for (unsigned i = 0; i < dev->n_queues; i++) {
		mmio->doorbells[i] = (struct virtio_mmio_doorbell){
			.op.done = doorbell_done,
			.mmio = mmio,
			.queue = i,
			.fd = doorbell_fds[i],
		};
		mmio->fetches[i].mmio = mmio;
		mmio->fetches[i].queue = i;
		virtqueue_fetch_init(&mmio->fetches[i].fetch, loop, fetched);
		dev->queues[i].fetch = &mmio->fetches[i].fetch;
	}
	show_constants(mmio);
	show_state(mmio);
}

void virtio_mmio_start(struct virtio_mmio *mmio)
{
	for (unsigned i = 0; i < mmio->dev->n_queues; i++) {
		event_loop_register(mmio->loop, mmio->doorbells[i].fd);
		await_doorbell(&mmio->doorbells[i]);
	}
}

void virtio_mmio_kick_all(struct virtio_mmio *mmio)
{
	for (unsigned i = 0; i < mmio->dev->n_queues; i++)
		kick(mmio, i);
}

void virtio_mmio_restored(struct virtio_mmio *mmio)
{
	show_constants(mmio);
	if (has_status(mmio, VIRTIO_CONFIG_S_DRIVER_OK))
		interrupt(mmio, VIRTIO_MMIO_INT_VRING);
	virtio_mmio_kick_all(mmio);
}

static void reset(struct virtio_mmio *mmio)
{
	stop_queues(mmio);
	for (unsigned i = 0; i < mmio->dev->n_queues; i++)
		virtqueue_reset(&mmio->dev->queues[i]);
	mmio->status = 0;
	mmio->device_features_sel = mmio->driver_features_sel = mmio->queue_sel = 0;
	mmio->driver_features = mmio->dev->driver_features = 0;
	mmio->driver_features_beyond = false;
	mmio->interrupt_status = 0;
}

bool virtio_mmio_accepts_features(const struct virtio_mmio *mmio)
{
	return !mmio->driver_features_beyond && !(mmio->driver_features & ~mmio->dev->features) &&
	       (mmio->driver_features & 1ULL << VIRTIO_F_VERSION_1);
}

/* Takes the steps of section 3.1.1 one by one; a write may hold several. */
static void set_status(struct virtio_mmio *mmio, uint32_t value)
{
	static const struct {
		uint32_t bit, needs;
	} steps[] = {
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, 0 },
		{ VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE },
		{ VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER },
		{ VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK },
	};

	if (value == 0) {
		reset(mmio);
		return;
	}
	if (mmio->status & ~VIRTIO_CONFIG_S_NEEDS_RESET & ~value) {
		refuse(mmio, "it cleared a status bit without a reset");
		return;
	}
	if (value & VIRTIO_CONFIG_S_FAILED) {
		mmio->status |= VIRTIO_CONFIG_S_FAILED;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!(value & ~mmio->status & steps[i].bit))
			continue;
		if (!has_status(mmio, steps[i].needs)) {
			refuse(mmio, "it skipped a step of the device status");
			return;
		}
		if (steps[i].bit == VIRTIO_CONFIG_S_FEATURES_OK) {
			/* The driver reads the status back, and gives up where the bit stays clear.
			 */
			if (!virtio_mmio_accepts_features(mmio)) {
				refuse(mmio,
				       "it set FEATURES_OK with features that cannot be accepted");
				return;
			}
			mmio->dev->driver_features = mmio->driver_features;
		}
		mmio->status |= steps[i].bit;
		/* A doorbell may have rung a moment too early. */
		virtio_mmio_kick_all(mmio);
	}
}

static void set_driver_features(struct virtio_mmio *mmio, uint32_t value)
{
	unsigned shift = mmio->driver_features_sel * 32;

	if (!has_status(mmio, VIRTIO_CONFIG_S_DRIVER) ||
	    has_status(mmio, VIRTIO_CONFIG_S_FEATURES_OK)) {
		refuse(mmio, "it wrote DriverFeatures outside of feature negotiation");
	} else if (mmio->driver_features_sel > 1) {
		mmio->driver_features_beyond |= value != 0;
	} else {
		mmio->driver_features &= ~(0xffffffffULL << shift);
		mmio->driver_features |= (uint64_t)value << shift;
	}
}

/* Linux disables its queues this way while the status still has DRIVER_OK. */
static void disable_queue(struct virtio_mmio *mmio, struct virtqueue *vq)
{
	mmio->dev->ops->stop_queue(mmio->dev, mmio->queue_sel);
	virtqueue_disable(vq);
}

static void enable_queue(struct virtio_mmio *mmio, struct virtqueue *vq, uint32_t value)
{
	if (value > 1)
		refuse(mmio, "it wrote neither 0 nor 1 to QueueReady");
	else if (value == 1 && virtqueue_enable(vq) < 0)
		transport_broken(&mmio->transport, "the queue size or a ring address is not valid");
}

static void set_low(uint64_t *addr, uint32_t value)
{
	*addr = (*addr & 0xffffffff00000000) | value;
}

static void set_high(uint64_t *addr, uint32_t value)
{
	*addr = (*addr & 0xffffffff) | (uint64_t)value << 32;
}

/* The registers that describe one queue: only while it is not ready and features are settled. */
static void write_queue_register(struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
	struct virtqueue *vq = selected_queue(mmio);

	/* A driver may disable the queues of a broken device, too. */
	if (vq && vq->ready && offset == VIRTIO_MMIO_QUEUE_READY && value == 0) {
		disable_queue(mmio, vq);
		return;
	}
	if (!vq || !has_status(mmio, VIRTIO_CONFIG_S_FEATURES_OK) || broken(mmio)) {
		refuse(mmio, "it wrote a queue register before FEATURES_OK, "
			     "or of a queue that does not exist");
		return;
	}
	if (vq->ready) {
		refuse(mmio, "it wrote a queue register while the queue was ready");
		return;
	}
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_READY:
		enable_queue(mmio, vq, value);
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		/* What does not fit becomes 0, which QueueReady refuses. */
		vq->setup.size = value <= VIRTQUEUE_MAX_SIZE ? (uint16_t)value : 0;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&vq->setup.desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&vq->setup.desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&vq->setup.driver, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&vq->setup.driver, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&vq->setup.device, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&vq->setup.device, value);
		break;
	}
}

static void write_register(struct virtio_mmio *mmio, uint64_t offset, uint32_t v)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		mmio->device_features_sel = v;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		mmio->driver_features_sel = v;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		set_driver_features(mmio, v);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		mmio->queue_sel = v;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		write_queue_register(mmio, offset, v);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (v < mmio->dev->n_queues)
			kick(mmio, v);
		else
			refuse(mmio, "it notified a queue that does not exist");
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		mmio->interrupt_status &= ~(v & VIRTIO_MMIO_INT_CONFIG);
		break;
	case VIRTIO_MMIO_STATUS:
		set_status(mmio, v);
		break;
	case VIRTIO_MMIO_SHM_SEL: /* there are no shared memory regions */
		break;
	default:
		refuse(mmio, "it wrote to a register that is not writable");
	}
}

void virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value)
{
	if (offset >= VIRTIO_MMIO_CONFIG)
		refuse(mmio, "it wrote to the configuration space, which is read-only");
	else if (size != 4 || offset % 4)
		refuse(mmio, "it wrote to a register other than by 32 aligned bits");
	else
		write_register(mmio, offset, (uint32_t)value);
	show_state(mmio);
}
