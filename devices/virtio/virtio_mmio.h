/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio register file, version 2 (VIRTIO 1.3 section 4.2), strict: what the specification
 * leaves to the driver's good will is ignored and logged, or breaks this one device.
 *
 * It sees KVM as doorbells, descriptors that it reads, as an interrupt line that it pulses, and as
 * a page of memory, which shows the guest what its registers read as. A driver's stores are brought
 * here one by one, its loads are loads from that page. All functions run on the event loop's
 * thread.
 *
 * InterruptStatus: bit 1, configuration change, is cleared by its acknowledgement. Bit 0, used
 * buffer, stays set from the first notification to the next reset, and its acknowledgement does
 * nothing, so that nobody has to bring it here. No interrupt is lost: the bit is set before the
 * first edge, and never cleared while the driver may look at it; so each handler that runs for an
 * edge finds it, and then what was used before the edge. What it costs is that a configuration
 * change is taken for a used buffer notification, too; drivers handle such spurious ones (2.7.7.1),
 * and the acknowledgement "notifies the device that events ... have been handled" (4.2.2): no rule
 * says that the bit has to read 0 then.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "devices/virtio/virtqueue_fetch.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/interrupt_line.h"
#include "vmm/base/log.h"

#include <stdint.h>

#define VIRTIO_MMIO_VENDOR 0x4d4d564d /* "MVMM" */
#define VIRTIO_MMIO_MAX_QUEUES 4

struct virtio_mmio;

struct virtio_mmio_doorbell {
	struct event_op op;
	struct virtio_mmio *mmio;
	unsigned queue;
	int fd; /* eventfd, borrowed */
	uint64_t count;
};

/* The fetch of pages for a queue. */
struct virtio_mmio_fetch {
	struct virtio_mmio *mmio;
	unsigned queue;
	struct virtqueue_fetch fetch;
};

struct virtio_mmio {
	struct virtio_transport transport;
	struct virtio_device *dev;
	struct event_loop *loop;
	struct interrupt_line *line; /* borrowed */
	uint32_t *registers; /* borrowed: what the guest reads, little-endian; never read here */
	uint32_t status;
	uint32_t interrupt_status;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint64_t driver_features;
	bool driver_features_beyond; /* a bit above 63 was asked for */
	uint32_t queue_sel;
	struct virtio_mmio_doorbell doorbells[VIRTIO_MMIO_MAX_QUEUES];
	struct log_limit limit, host_limit; /* for what the guest did, and for faults of the host */
	struct virtio_mmio_fetch
		fetches[VIRTIO_MMIO_MAX_QUEUES]; /* last: large, and mostly unused */
};

/*
 * Connects @dev to its registers: @doorbell_fds are its n_queues eventfds, @registers is zeroed
 * memory of VIRTIO_MMIO_CONFIG + config_size bytes, the rest is as in the structure; all stay the
 * caller's.
 */
void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *dev, struct event_loop *loop,
		      struct interrupt_line *line, const int *doorbell_fds, uint32_t *registers);

/* Begins to listen to the doorbells. */
void virtio_mmio_start(struct virtio_mmio *mmio);

/* As if every doorbell rang: takes what the driver has offered by now. */
void virtio_mmio_kick_all(struct virtio_mmio *mmio);

/*
 * The device was loaded (virtio_mmio_state.h), and so was all else, and no vCPU runs yet: shows the
 * configuration space anew, and, if the driver is ready, makes one interrupt and looks at every
 * queue. What was notified right before the save, in either direction, may have been lost then.
 */
void virtio_mmio_restored(struct virtio_mmio *mmio);

/* Whether the driver may have the features that it has asked for. */
bool virtio_mmio_accepts_features(const struct virtio_mmio *mmio);

/* The driver stores @size bytes at @offset; what 4.2.2.2 does not allow is ignored. */
void virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value);
