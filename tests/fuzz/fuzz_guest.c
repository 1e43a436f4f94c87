// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/virtio_mmio.c devices/virtio/virtqueue.c devices/virtio/pmem.c
// vmm/base/guest_memory.c
/*
 * A whole guest as the input: register stores of all widths, stores anywhere, doorbells, and
 * fdatasyncs that end when and as they like, against the model in machine.c. So, for any guest: no
 * byte of memory changes but those that it gave for an answer; each request is answered at most
 * once, after an fdatasync that began after it was taken; who breaks a rule gets no more service.
 * Start reading at make_step.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

#include <linux/virtio_mmio.h>

/* Enough for any state, and bounds the time of an input. */
#define STEPS_MAX 400

/* Addresses of interest: beginnings of pieces, and their ends with room for what crosses them. */
static uint64_t take_address(struct fuzz_input *in)
{
	static const uint64_t bases[] = {
		MACHINE_RAM,
		MACHINE_DESC,
		MACHINE_AVAIL,
		MACHINE_USED,
		MACHINE_RAM + MACHINE_RAM_SIZE - 16,
		MACHINE_MORE_RAM + MACHINE_MORE_RAM_SIZE - 16,
		MACHINE_PMEM - 16,
		MACHINE_PMEM,
		MACHINE_PMEM + (MACHINE_PMEM_FILE_SIZE & ~0xfffULL) - 16,
		MACHINE_PMEM + MACHINE_PMEM_FILE_SIZE - 16,
		MACHINE_PMEM + MACHINE_PMEM_SIZE - 16,
		MACHINE_TOP_RAM + MACHINE_TOP_RAM_SIZE - 16,
	};
	uint8_t base = fuzz_input_u8(in);

	if (base == 0xff)
		return fuzz_input_take(in, 8);
	return bases[base % ARRAY_SIZE(bases)] + fuzz_input_u16(in);
}

static void store(struct fuzz_input *in)
{
	uint64_t addr = take_address(in);
	unsigned len = fuzz_input_u8(in) % 64;

	if (len > in->left)
		len = (unsigned)in->left;
	machine_store(addr, in->bytes, len);
	in->bytes += len;
	in->left -= len;
}

static void flush(struct fuzz_input *in)
{
	static const uint8_t request[4];
	uint8_t i = fuzz_input_u8(in);

	machine_store(0x3000 + 16ULL * i, request, sizeof(request));
	machine_descriptor(2U * i, 0x3000 + 16ULL * i, 4, 1, (uint16_t)(2 * i + 1));
	machine_descriptor(2U * i + 1, 0x3008 + 16ULL * i, 4, 2, 0);
	machine_offer((uint16_t)(2 * i));
}

static void write_any_register(struct fuzz_input *in)
{
	uint64_t offset = fuzz_input_u16(in) & 0xfff;
	unsigned size = 1U << fuzz_input_u8(in) % 4;

	machine_write(offset, size, fuzz_input_take(in, size));
}

static void write_register(struct fuzz_input *in)
{
	uint64_t offset = 4ULL * (fuzz_input_u8(in) % 64);

	machine_write(offset, 4, fuzz_input_u32(in));
}

static void ring(struct fuzz_input *in)
{
	machine_ring(1U << fuzz_input_u8(in) % 10, MACHINE_DESC, MACHINE_AVAIL, MACHINE_USED);
}

static void odd_ring(struct fuzz_input *in)
{
	unsigned size = fuzz_input_u16(in);
	uint64_t desc = take_address(in), avail = take_address(in), used = take_address(in);

	machine_ring(size, desc, avail, used);
}

static void descriptor(struct fuzz_input *in)
{
	unsigned i = fuzz_input_u8(in);
	uint64_t addr = take_address(in);
	uint8_t len = fuzz_input_u8(in);
	uint8_t flags = fuzz_input_u8(in);
	uint16_t next = fuzz_input_u8(in);

	machine_descriptor(i, addr, len == 0xff ? fuzz_input_u32(in) : len, flags & 7, next);
}

static void sync_done(struct fuzz_input *in)
{
	machine_sync_done(-(int)fuzz_input_u8(in));
}

static void offer(struct fuzz_input *in)
{
	machine_offer(fuzz_input_u8(in));
}

static void avail_index(struct fuzz_input *in)
{
	uint16_t header[2];

	header[0] = fuzz_input_u8(in) & 1;
	header[1] = fuzz_input_u16(in);
	machine_store(MACHINE_AVAIL, header, sizeof(header));
}

static void make_step(struct fuzz_input *in)
{
	static void (*const steps[])(struct fuzz_input * in) = {
		write_register, write_any_register, store,	 ring, odd_ring, descriptor, offer,
		flush,		sync_done,	    avail_index,
	};
	uint8_t what = fuzz_input_u8(in);

	if (what < 0x80)
		steps[what % ARRAY_SIZE(steps)](in);
	else if (what < 0xc0)
		machine_doorbell();
	else if (what < 0xd0)
		machine_negotiate();
	else if (what < 0xe0)
		machine_driver_ok();
	else if (what < 0xf0)
		machine_sync_done(0);
	else
		machine_write(VIRTIO_MMIO_STATUS, 4, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	machine_start((enum machine_file)(fuzz_input_u8(&in) % MACHINE_FILES));
	for (unsigned i = 0; i < STEPS_MAX && in.left; i++)
		make_step(&in);
	/* Whatever it did, a reset makes a working device of it. */
	machine_write(VIRTIO_MMIO_STATUS, 4, 0);
	machine_sync_done(0);
	machine_negotiate();
	machine_ring(8, MACHINE_DESC, MACHINE_AVAIL, MACHINE_USED);
	fuzz_check(machine_read(VIRTIO_MMIO_QUEUE_READY) == 1);
	machine_driver_ok();
	machine_stop();
	return 0;
}
