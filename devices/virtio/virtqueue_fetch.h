/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches the pages of a chain's buffers that lie in a file, before a device touches them. A page
 * that storage has to supply first would hold up the event loop, and with it every device. So the
 * kernel's threads read it, and the chain is popped when it is there. Buffers in RAM, where Linux
 * has nearly all of them, need nothing of this.
 */
#pragma once

#include "devices/virtio/virtqueue.h"
#include "vmm/base/event_loop.h"

/* As much of a chain's readable and writable bytes is fetched; no device takes more in a turn. */
#define VIRTQUEUE_FETCH_MAX (256u << 10)

enum virtqueue_fetch_state {
	VIRTQUEUE_FETCH_IDLE,
	VIRTQUEUE_FETCH_RUNNING,
	VIRTQUEUE_FETCH_ABANDONED, /* running, but the queue was stopped meanwhile */
	VIRTQUEUE_FETCH_DONE,	   /* the next pop gets the chain */
};

/* For one queue; embedded in its transport. It must stay in place until the loop's end. */
struct virtqueue_fetch {
	struct event_loop *loop; /* borrowed */
	/* A pop may now find what it did not find before. On the loop's thread. */
	void (*fetched)(struct virtqueue_fetch *fetch);
	struct event_op op;
	enum virtqueue_fetch_state state;
	bool beginning;			/* within virtqueue_fetch_begin */
	const struct guest_memory *mem; /* borrowed */
	unsigned next;			/* the buffer that is looked at next */
	uint32_t readable_left, writable_left;
	struct virtqueue_chain chain; /* last: virtqueue_fetch_init leaves it alone */
};

void virtqueue_fetch_init(struct virtqueue_fetch *fetch, struct event_loop *loop,
			  void (*fetched)(struct virtqueue_fetch *fetch));

/*
 * Takes over @chain, which was popped and has a buffer in a file; @fetch->fetched follows. False:
 * the chain can be used at once. Only while it is idle.
 */
bool virtqueue_fetch_begin(struct virtqueue_fetch *fetch, const struct guest_memory *mem,
			   const struct virtqueue_chain *chain);

/* Whether a chain is under way, so that no other may be popped. */
static inline bool virtqueue_fetch_runs(const struct virtqueue_fetch *fetch)
{
	return fetch->state == VIRTQUEUE_FETCH_RUNNING || fetch->state == VIRTQUEUE_FETCH_ABANDONED;
}

/* Copies the chain that is complete, once; false if there is none. */
bool virtqueue_fetch_take(struct virtqueue_fetch *fetch, struct virtqueue_chain *ret_chain);

/* The queue was stopped: its chain is forgotten. */
void virtqueue_fetch_abandon(struct virtqueue_fetch *fetch);
