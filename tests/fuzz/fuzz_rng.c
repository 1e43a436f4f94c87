// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/rng.c devices/virtio/virtqueue.c
/*
 * virtio-rng with requests of all shapes: each that comes back was filled, up to the bound, and
 * nothing else was written to.
 */
#include "devices/virtio/rng.h"

#include "tests/fuzz/device.h"

static struct rng rng;
static uint64_t bytes;

static struct virtio_device *start(struct fuzz_input *in, struct event_loop *loop,
				   const struct guest_memory *mem)
{
	bytes = 0;
	rng_init(&rng, mem);
	return &rng.virtio;
}

static void answered(const struct device_answer *answer)
{
	fuzz_check(answer->readable_len == 0, "%u", answer->readable_len);
	fuzz_check(answer->written == (answer->writable_len < RNG_MAX_BYTES ? answer->writable_len
									    : RNG_MAX_BYTES),
		   "%u of %u", answer->written, answer->writable_len);
	bytes += answer->written;
}

static void check(void)
{
	fuzz_check(rng.bytes == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_target target = {
		.start = start,
		.answered = answered,
		.check = check,
	};

	return device_run(&target, data, size);
}
