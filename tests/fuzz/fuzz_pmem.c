// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/pmem.c devices/virtio/virtqueue.c
/*
 * Requests of all shapes to a pmem device whose driver is ready: how many descriptors, of what
 * length, where, with what in them, and how the fdatasyncs end meanwhile; judged by the model in
 * machine.c. fuzz_guest.c reaches the same code, but must find the way to a ready device itself.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

#include <linux/virtio_ring.h>

#define RING 64
#define REQUESTS_MAX 200

/* Where buffers can lie: behind the ring, at borders of all kinds, and nowhere. */
static uint64_t take_place(struct fuzz_input *in)
{
	static const uint64_t places[] = {
		0x3000,
		0x4000,
		MACHINE_USED,
		MACHINE_RAM + MACHINE_RAM_SIZE - 8,
		MACHINE_MORE_RAM + MACHINE_MORE_RAM_SIZE - 8,
		MACHINE_PMEM,
		MACHINE_PMEM + (MACHINE_PMEM_FILE_SIZE & ~0xfffULL) - 8,
		MACHINE_TOP_RAM + MACHINE_TOP_RAM_SIZE - 8,
	};
	uint8_t byte = fuzz_input_u8(in);

	return places[byte >> 5] + (byte & 31);
}

/* A chain from descriptor @head on; returns how many it took. */
static unsigned make_request(struct fuzz_input *in, unsigned head)
{
	uint8_t shape = fuzz_input_u8(in);
	unsigned readable = shape & 3, writable = shape >> 2 & 7, n = readable + writable;
	uint32_t type = shape & 0x80 ? fuzz_input_u32(in) : 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t addr = take_place(in);
		uint8_t len = fuzz_input_u8(in);
		uint16_t flags = i + 1 < n ? VRING_DESC_F_NEXT : 0;

		if (i < readable)
			machine_store(addr, &type, sizeof(type));
		else
			flags |= VRING_DESC_F_WRITE;
		if (shape & 0x40)
			flags ^= fuzz_input_u8(in) & 7;
		machine_descriptor((head + i) % RING, addr, len & 0x80 ? len & 0x7f : len & 7,
				   flags, (uint16_t)((head + i + 1) % RING));
	}
	machine_offer((uint16_t)(head % RING));
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned head = 0;

	machine_start((enum machine_file)(fuzz_input_u8(&in) % MACHINE_FILES));
	machine_negotiate();
	machine_ring(RING, MACHINE_DESC, MACHINE_AVAIL, MACHINE_USED);
	machine_driver_ok();
	for (unsigned i = 0; i < REQUESTS_MAX && in.left; i++) {
		uint8_t what = fuzz_input_u8(&in);

		head += make_request(&in, head);
		if (what & 1)
			machine_doorbell();
		if (what & 2)
			machine_sync_done(what & 4 ? -(int)fuzz_input_u8(&in) : 0);
		if (what & 8) {
			uint64_t byte = fuzz_input_u8(&in);
			uint64_t at = MACHINE_PMEM + MACHINE_PMEM_FILE_SIZE - 128 + byte;

			machine_store(at, &byte, 1 + (byte & 7));
		}
	}
	machine_stop();
	return 0;
}
