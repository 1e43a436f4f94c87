/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio register file, version 2 (VIRTIO 1.3 section 4.2), strict: what the specification
 * leaves to the driver's good will is ignored and logged, or breaks this one device.
 *
 * It sees KVM as file descriptors: doorbells that it reads and an interrupt that it writes. All
 * functions run on the event loop's thread but the two that are said to run anywhere.
 */
#ifndef MVMM_DEVICES_VIRTIO_MMIO_H
#define MVMM_DEVICES_VIRTIO_MMIO_H

#include "devices/virtio.h"
#include "vmm/event_loop.h"
#include "vmm/log.h"

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

struct virtio_mmio {
	struct virtio_transport transport;
	struct virtio_device *dev;
	struct event_loop *loop;
	int interrupt_fd; /* eventfd, borrowed: each write of 1 is one edge */
	uint32_t status;
	uint32_t interrupt_status; /* atomic: vCPU threads read and acknowledge it in place */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint64_t driver_features;
	bool driver_features_beyond; /* a bit above 63 was asked for */
	uint32_t queue_sel;
	struct virtio_mmio_doorbell doorbells[VIRTIO_MMIO_MAX_QUEUES];
	struct log_limit limit;
};

/*
 * Connects @dev to its registers: @doorbell_fds are its n_queues eventfds, the rest is as in the
 * structure; all stay the caller's.
 */
void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *dev, struct event_loop *loop,
		      int interrupt_fd, const int *doorbell_fds);

/* Begins to listen to the doorbells. */
void virtio_mmio_start(struct virtio_mmio *mmio);

/* A register access of @size bytes at @offset; wrong ones read as 0 or are ignored (4.2.2.2). */
uint32_t virtio_mmio_read(struct virtio_mmio *mmio, uint64_t offset, unsigned size);
void virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value);

/* InterruptStatus and InterruptACK: from any thread, one atomic word. */
uint32_t virtio_mmio_interrupt_status(const struct virtio_mmio *mmio);
void virtio_mmio_interrupt_ack(struct virtio_mmio *mmio, uint32_t bits);

#endif
