// SPDX-License-Identifier: Apache-2.0
/* The driver's side of a split virtqueue. Start reading at virtqueue_offer. */
#include "virtqueue.h"

void virtqueue_init(struct virtqueue *queue, uint16_t size)
{
	queue->size = size;
	queue->taken = 0;
	queue->avail.flags = 0;
	queue->avail.idx = 0;
	queue->used.flags = 0;
	queue->used.idx = 0;
}

void virtqueue_describe(struct virtqueue *queue, uint16_t index, uint64_t addr, uint32_t len,
			uint16_t flags, uint16_t next)
{
	struct vring_desc *desc = &queue->desc[index];

	desc->addr = addr;
	desc->len = len;
	desc->flags = flags;
	desc->next = next;
}

void virtqueue_offer(struct virtqueue *queue, uint16_t head)
{
	virtqueue_stage(queue, head);
	virtqueue_publish(queue);
}

uint16_t virtqueue_waiting(const struct virtqueue *queue)
{
	return (uint16_t)(__atomic_load_n(&queue->used.idx, __ATOMIC_ACQUIRE) - queue->taken);
}

bool virtqueue_take(struct virtqueue *queue, struct vring_used_elem *ret_elem)
{
	if (!virtqueue_waiting(queue))
		return false;
	*ret_elem = queue->used.ring[queue->taken++ & (queue->size - 1)];
	return true;
}
