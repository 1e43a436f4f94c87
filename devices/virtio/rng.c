// SPDX-License-Identifier: Apache-2.0
/* virtio-rng. Start reading at rng_kick. */
#include "devices/virtio/rng.h"

#include "vmm/base/container_of.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/random.h>

/* Fills the chain's buffers, in order, up to RNG_MAX_BYTES. NULL, or what went wrong. */
static const char *fill(struct rng *rng, const struct virtqueue_chain *chain)
{
	uint8_t bytes[RNG_MAX_BYTES];
	uint32_t len = chain->writable_len < sizeof(bytes) ? chain->writable_len : sizeof(bytes);

	/* Section 5.4.6.1. */
	if (chain->n_readable)
		return "a buffer of the entropy queue is not writable";
	if (!len)
		return "an empty buffer in the entropy queue";
	/* It fails only before the host's own pool is seeded, early in the host's boot. */
	if (getrandom(bytes, len, GRND_NONBLOCK) != (ssize_t)len)
		return "the host has no entropy yet";
	if (virtqueue_chain_write(&rng->queue, chain, 0, bytes, len) < 0)
		return "the host cannot supply a page of a pmem disk that a buffer lies in";
	virtqueue_push(&rng->queue, chain->head, len);
	rng->bytes += len;
	return NULL;
}

static void rng_kick(struct virtio_device *dev, unsigned queue)
{
	struct rng *rng = container_of(dev, struct rng, virtio);
	struct virtqueue_chain chain;
	const char *why = NULL;
	bool used = false;

	/*
	 * What another vCPU offers meanwhile comes with a kick of its own: so a guest that never
	 * stops offering gets its turns, not the loop.
	 */
	for (unsigned left = rng->queue.setup.size; left && !why; left--) {
		if (virtqueue_pop(&rng->queue, &chain, &why) <= 0)
			break;
		why = fill(rng, &chain);
		used |= !why;
	}
	if (why)
		virtio_broken(dev, why);
	else if (used)
		virtio_queue_used(dev, queue);
}

/* Nothing is ever in flight. */
static void rng_stop_queue(struct virtio_device *dev, unsigned queue)
{
}

static const struct virtio_device_ops rng_ops = {
	.kick = rng_kick,
	.stop_queue = rng_stop_queue,
};

void rng_init(struct rng *rng, const struct guest_memory *mem)
{
	*rng = (struct rng){
		.virtio = {
			.ops = &rng_ops,
			.name = "rng",
			.id = VIRTIO_ID_RNG,
			.features = 1ULL << VIRTIO_F_VERSION_1,
			.queues = &rng->queue,
			.n_queues = 1,
		},
	};
	virtqueue_init(&rng->queue, mem);
}
