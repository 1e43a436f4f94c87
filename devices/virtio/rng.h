/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-rng, the entropy device (VIRTIO 1.3 section 5.4): one queue of empty buffers, which it
 * fills from the host's getrandom(2). Requests are answered at once, on the event loop's thread.
 */
#pragma once

#include "devices/virtio/virtio.h"

/*
 * The most that one request is given. getrandom(2) neither blocks nor stops short for so little,
 * and a guest that asks for gigabytes cannot hold up the devices beside it.
 */
#define RNG_MAX_BYTES 256

struct rng {
	struct virtio_device virtio;
	struct virtqueue queue;
	uint64_t bytes; /* given away since the start, for reports */
};

/* @mem stays the caller's. */
void rng_init(struct rng *rng, const struct guest_memory *mem);
