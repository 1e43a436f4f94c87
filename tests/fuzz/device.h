/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest for any virtio device: its driver is ready, and what it does with the rings, and what the
 * outside does meanwhile, is the input's. A target is one small file, fuzz_<device>.c, with a
 * struct device_target; fuzz_rng.c is the smallest. After each step device.c checks, from what the
 * specification says of all devices:
 *
 *   no byte of guest memory changes but the used ring and what the driver gave to be written to;
 *   each chain comes back at most once, only if it obeys the rules, never after a reset or after
 *   its queue was taken down, with a length that fits it, and not a byte behind that length is
 *   written to, unless the target says that it may;
 *   there is an interrupt where something came back, and none without a reason;
 *   what is in flight on the event loop is bounded, and each doorbell is always listened to;
 *   whatever happened, the driver can reset the device and start again.
 *
 * How the transport takes registers of all kinds is fuzz_guest.c's subject.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/loop.h"

/* A chain that came back. Lengths are those when the device took it. */
struct device_answer {
	unsigned queue;
	uint32_t readable_len, writable_len;
	uint32_t written;
};

struct device_target {
	/* Besides VIRTIO_F_VERSION_1: what a driver may accept; the input says which of them. */
	uint64_t features;

	/* It may write behind the length that it says, within the chain (section 2.7.8.2). */
	bool scribbles;

	/* Makes the device anew, in static memory. */
	struct virtio_device *(*start)(struct fuzz_input *in, struct event_loop *loop,
				       const struct guest_memory *mem);
	/* The input is over; nothing of the device is used any more. Or NULL. */
	void (*stop)(void);

	/*
	 * What the readable part of a request to @queue begins with, up to @size bytes, of which
	 * the number is returned: a sound one, more or less, so that the input need not guess.
	 * NULL: the input's own bytes.
	 */
	unsigned (*request)(struct fuzz_input *in, unsigned queue, uint8_t *bytes, unsigned size);

	/* Something happens outside of the guest: an operation ends, data arrives. Or NULL. */
	void (*event)(struct fuzz_input *in);

	/* Judges what came back, by the device's own rules. Or NULL. */
	void (*answered)(const struct device_answer *answer);

	/* After each step: what else holds. Or NULL. */
	void (*check)(void);
};

/* All of LLVMFuzzerTestOneInput. */
int device_run(const struct device_target *target, const uint8_t *data, size_t size);
