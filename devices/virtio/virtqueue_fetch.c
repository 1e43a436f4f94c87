// SPDX-License-Identifier: Apache-2.0
/* Fetches a chain's pages, one buffer after the other: go_on begins each, page_done ends it. */
#include "devices/virtio/virtqueue_fetch.h"

#include "vmm/base/container_of.h"

#include <stddef.h>
#include <string.h>

void virtqueue_fetch_init(struct virtqueue_fetch *fetch, struct event_loop *loop,
			  void (*fetched)(struct virtqueue_fetch *fetch))
{
	memset(fetch, 0, offsetof(struct virtqueue_fetch, chain));
	fetch->loop = loop;
	fetch->fetched = fetched;
}

static bool in_file(const struct guest_memory *mem, const struct virtqueue_buffer *b)
{
	return b->len && !guest_memory_ram(mem, b->addr, b->len);
}

/* Begins to fetch the next buffer that lies in a file. False: there is none. */
static bool go_on(struct virtqueue_fetch *fetch)
{
	const struct virtqueue_chain *chain = &fetch->chain;

	while (fetch->next < chain->n_readable + chain->n_writable) {
		bool writable = fetch->next >= chain->n_readable;
		uint32_t *left = writable ? &fetch->writable_left : &fetch->readable_left;
		const struct virtqueue_buffer *b = &chain->buffers[fetch->next++];
		uint32_t len = b->len < *left ? b->len : *left;

		*left -= len;
		if (!len || !in_file(fetch->mem, b))
			continue;
		event_loop_populate(fetch->loop, &fetch->op,
				    guest_memory_host(fetch->mem, b->addr, len, writable), len,
				    writable);
		return true;
	}
	return false;
}

/*
 * Whether it worked does not matter: what is missing for good fails in the device's own access, and
 * a kernel before Linux 5.14, which cannot do this, has the device wait there.
 */
static void page_done(struct event_op *op, int result)
{
	struct virtqueue_fetch *fetch = container_of(op, struct virtqueue_fetch, op);
	bool abandoned = fetch->state == VIRTQUEUE_FETCH_ABANDONED;

	if (!abandoned && go_on(fetch))
		return;
	fetch->state = abandoned ? VIRTQUEUE_FETCH_IDLE : VIRTQUEUE_FETCH_DONE;
	if (!fetch->beginning)
		fetch->fetched(fetch);
}

bool virtqueue_fetch_begin(struct virtqueue_fetch *fetch, const struct guest_memory *mem,
			   const struct virtqueue_chain *chain)
{
	fetch->op.done = page_done;
	fetch->mem = mem;
	fetch->chain = *chain;
	fetch->next = 0;
	fetch->readable_left = fetch->writable_left = VIRTQUEUE_FETCH_MAX;
	fetch->state = VIRTQUEUE_FETCH_RUNNING;
	/* A loop of tests may complete it at once. */
	fetch->beginning = true;
	if (!go_on(fetch))
		fetch->state = VIRTQUEUE_FETCH_DONE;
	fetch->beginning = false;
	if (fetch->state == VIRTQUEUE_FETCH_RUNNING)
		return true;
	fetch->state = VIRTQUEUE_FETCH_IDLE;
	return false;
}

bool virtqueue_fetch_take(struct virtqueue_fetch *fetch, struct virtqueue_chain *ret_chain)
{
	if (fetch->state != VIRTQUEUE_FETCH_DONE)
		return false;
	*ret_chain = fetch->chain;
	fetch->state = VIRTQUEUE_FETCH_IDLE;
	return true;
}

void virtqueue_fetch_abandon(struct virtqueue_fetch *fetch)
{
	if (virtqueue_fetch_runs(fetch))
		fetch->state = VIRTQUEUE_FETCH_ABANDONED;
	else
		fetch->state = VIRTQUEUE_FETCH_IDLE;
}
