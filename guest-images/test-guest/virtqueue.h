/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's side of a split virtqueue (VIRTIO 1.3, section 2.7), open to misuse by tests. */
#pragma once

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTQUEUE_MAX 128

struct virtqueue {
	/* One more than the queue has, for tests that point behind its end. */
	struct vring_desc desc[VIRTQUEUE_MAX + 1] __attribute__((aligned(16)));
	struct {
		uint16_t flags, idx, ring[VIRTQUEUE_MAX], used_event;
	} avail;
	struct {
		uint16_t flags, idx;
		struct vring_used_elem ring[VIRTQUEUE_MAX];
		uint16_t avail_event;
	} used __attribute__((aligned(4)));
	uint16_t size; /* power of two, at most VIRTQUEUE_MAX */
	uint16_t taken;
};

/* Empties the rings, for @size entries. */
void virtqueue_init(struct virtqueue *queue, uint16_t size);

/* Writes descriptor @index; @next is used with VRING_DESC_F_NEXT in @flags. */
void virtqueue_describe(struct virtqueue *queue, uint16_t index, uint64_t addr, uint32_t len,
			uint16_t flags, uint16_t next);

/* Writes @head into the available ring, where virtqueue_publish lets the device see it. */
static inline void virtqueue_stage(struct virtqueue *queue, uint16_t head)
{
	queue->avail.ring[queue->avail.idx & (queue->size - 1)] = head;
}

/* The index goes last, behind the ring and the descriptors (2.7.13.3). Inline: it is timed. */
static inline void virtqueue_publish(struct virtqueue *queue)
{
	__atomic_store_n(&queue->avail.idx, (uint16_t)(queue->avail.idx + 1), __ATOMIC_RELEASE);
}

/* Both: makes the chain that starts at @head available. The doorbell is the caller's. */
void virtqueue_offer(struct virtqueue *queue, uint16_t head);

/* Takes the next used element. False if there is none. */
bool virtqueue_take(struct virtqueue *queue, struct vring_used_elem *ret_elem);

/* Used elements that were not taken yet. */
uint16_t virtqueue_waiting(const struct virtqueue *queue);
