/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split virtqueue (VIRTIO 1.3 section 2.7), device side. The ring lies in memory that the guest
 * rewrites as it likes: everything is fetched once, copied, then validated, and what a pop returns
 * is a private copy. A queue whose driver broke the rules answers -EPROTO; the device then asks for
 * a reset. Indirect descriptors and event indices are not offered, hence never honoured.
 */
#pragma once

#include "vmm/base/guest_memory.h"

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define VIRTQUEUE_MAX_SIZE 256

/* What the driver programs before it makes the queue ready. */
struct virtqueue_setup {
	uint16_t size;
	uint64_t desc;	 /* QueueDesc: descriptor area */
	uint64_t driver; /* QueueDriver: avail ring */
	uint64_t device; /* QueueDevice: used ring */
};

struct virtqueue_fetch;

struct virtqueue {
	const struct guest_memory *mem; /* borrowed */
	struct virtqueue_fetch *fetch;	/* borrowed: the transport's; or NULL */
	struct virtqueue_setup setup;
	bool ready;
	uint16_t last_avail; /* next avail entry to take */
	uint16_t used_idx;   /* next used entry to fill */
	/* The rings, in guest memory; only while ready. */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	/* A head that was popped and not yet pushed: the driver must not offer it again. */
	uint64_t in_flight[VIRTQUEUE_MAX_SIZE / 64];
};

struct virtqueue_buffer {
	gpa_t addr;
	uint32_t len;
};

/* A private copy of one descriptor chain: readable buffers first, then writable ones. */
struct virtqueue_chain {
	uint16_t head;
	uint16_t n_readable;
	uint16_t n_writable;
	uint32_t readable_len; /* bytes in all */
	uint32_t writable_len;
	bool in_file; /* a buffer does not lie in RAM */
	struct virtqueue_buffer buffers[VIRTQUEUE_MAX_SIZE];
};

void virtqueue_init(struct virtqueue *vq, const struct guest_memory *mem);

/* Forgets the set-up and whatever is in flight. */
void virtqueue_reset(struct virtqueue *vq);

/*
 * Makes the queue ready with its current set-up. -EINVAL, and the queue stays as it is, for a size
 * that is 0, no power of two or too large, for a misaligned ring (section 2.7: 16, 2 and 4 bytes)
 * and for one that is not all in one piece of RAM.
 */
int virtqueue_enable(struct virtqueue *vq);

/* Makes the queue not ready. Its set-up stays; chains in flight are forgotten. */
void virtqueue_disable(struct virtqueue *vq);

/*
 * Takes the next chain. 1: *@chain holds it. 0: the ring is empty or frozen, or pages of the next
 * chain are being fetched; then the device is kicked when they are there. -EPROTO: the driver broke
 * a rule (bad index, loop, wrong order, buffer outside of guest memory, head already in flight,
 * ...); then
 * *@ret_why, a static string, says which, and the queue must not be used again before a reset.
 */
int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain, const char **ret_why);

/*
 * Copy up to @len bytes out of the chain's readable buffers, or into its writable ones, from byte
 * @offset of them on; return how many, or -EFAULT or -EIO as guest_memory_read does.
 */
int virtqueue_chain_read(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			 uint32_t offset, void *buf, uint32_t len);
int virtqueue_chain_write(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			  uint32_t offset, const void *buf, uint32_t len);

/*
 * The host addresses of the chain's writable or readable buffers, from their byte @offset on,
 * without the empty ones. They are for readv(2) and writev(2); see guest_memory_host. Fills up to
 * VIRTQUEUE_MAX_SIZE elements of @iov and returns how many.
 */
unsigned virtqueue_chain_iov(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			     bool writable, uint32_t offset, struct iovec *iov);

/* Hands a chain back: @head as popped, @written bytes in its writable buffers. */
void virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t written);

/*
 * True while guest memory is being saved: there is nothing to pop then, and a device that holds a
 * chain neither fills it nor gives it back. Afterwards every device is kicked.
 */
static inline bool virtqueue_is_frozen(const struct virtqueue *vq)
{
	return vq->mem->frozen;
}

/* False while the driver wants no interrupts (section 2.7.7, VRING_AVAIL_F_NO_INTERRUPT). */
bool virtqueue_wants_interrupt(const struct virtqueue *vq);
