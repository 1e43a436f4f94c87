/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/unit/devices/virtio/test_virtio_mmio.c.
/*
 * The contract between a virtio device and its transport (VIRTIO 1.3 section 2). A device offers
 * features, a configuration space and queues, and its transport calls it for kicks and resets. The
 * device calls virtio_queue_used or virtio_broken, and the transport notifies the driver. All calls
 * in both directions are made on the event loop's thread.
 */
#pragma once

#include "devices/virtio/virtqueue.h"

#include <stdint.h>

struct virtio_device;

struct virtio_device_ops {
	/* The queue is ready, the driver is, and there may be something in it: take all of it. */
	void (*kick)(struct virtio_device *dev, unsigned queue);
	/*
	 * Drop everything in flight on @queue: nothing of it may be answered any more. The
	 * transport resets the virtqueue itself afterwards.
	 */
	void (*stop_queue)(struct virtio_device *dev, unsigned queue);
};

struct virtio_transport;

struct virtio_transport_ops {
	void (*queue_used)(struct virtio_transport *transport, unsigned queue);
	void (*broken)(struct virtio_transport *transport, const char *why);
};

/* Embedded in the transport. */
struct virtio_transport {
	const struct virtio_transport_ops *ops;
};

/* Embedded in the device, which fills all but the last two; those are the transport's. */
struct virtio_device {
	const struct virtio_device_ops *ops;
	const char *name; /* for messages; borrowed */
	uint32_t id;	  /* VIRTIO_ID_* */
	uint64_t features;
	const void *config; /* the configuration space, which never changes; borrowed */
	uint32_t config_size;
	struct virtqueue *queues; /* the device's own array */
	unsigned n_queues;
	struct virtio_transport *transport;
	uint64_t driver_features; /* negotiated; valid once the driver is ready */
};

/* Notifies the driver that @queue has new used buffers, unless it wants no notifications. */
static inline void virtio_queue_used(struct virtio_device *dev, unsigned queue)
{
	dev->transport->ops->queue_used(dev->transport, queue);
}

/*
 * The driver broke a rule: DEVICE_NEEDS_RESET (section 2.1.1). @why is a static string. Every queue
 * has been stopped when this returns.
 */
static inline void virtio_broken(struct virtio_device *dev, const char *why)
{
	dev->transport->ops->broken(dev->transport, why);
}
