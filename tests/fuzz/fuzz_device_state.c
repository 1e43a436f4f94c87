// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/virtio_mmio_state.c devices/virtio/virtio_mmio.c
// devices/virtio/virtqueue.c devices/platform/serial.c
/*
 * The state of devices from a file with a right checksum and any contents. The input brings devices
 * to a state, saves them, changes bytes of the file and of guest memory, loads them, and goes on
 * with what is there. What is accepted is saved as the same bytes again; a device whose state is
 * refused is as after a reset; a load touches no guest memory and makes no interrupt; and whatever
 * was loaded, a driver can reset the devices and begin again.
 */
#include "devices/platform/serial.h"
#include "devices/virtio/pmem.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_mmio_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/loop.h"
#include "vmm/base/endian.h"
#include "vmm/base/state_format.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

/* Queue n has its rings in page n; behind them there are buffers. */
#define PAGE 0x1000ul
#define AVAIL 0x400u
#define USED 0x800u
#define RING 32
#define QUEUES 4
#define RAM_SIZE 0x8000u
#define PMEM 0x100000u
#define PMEM_SIZE 0x4000u
#define STEPS_MAX 64

enum { RNG, CONSOLE, PMEM0, DEVICES };

static const char *const sections[] = { "rng", "console", "pmem", "serial" };

static _Alignas(4096) uint8_t ram[RAM_SIZE], before[RAM_SIZE], file_bytes[PMEM_SIZE];
static struct guest_memory memory;
static struct event_loop loop;
static struct rng rng;
static struct virtio_console console;
static struct pmem pmem;
static struct pmem_backing backing;
static struct serial serial;
static unsigned edges, room, typed;

static struct slot {
	struct virtio_device *dev;
	unsigned first; /* page of its first queue */
	struct virtio_mmio mmio;
	uint32_t registers[0x1000 / 4];
} slots[DEVICES];

static int count_edge(struct interrupt_line *line)
{
	edges++;
	return 0;
}

static struct interrupt_line line = { count_edge };

static unsigned write_out(struct virtio_console *c, const uint8_t *bytes, unsigned len)
{
	fuzz_check(len <= room, "%u bytes with room for %u", len, room);
	room -= len;
	return room;
}

static unsigned take_keys(struct virtio_console *c, uint8_t *bytes, unsigned max)
{
	unsigned n = typed < max ? typed : max;

	memset(bytes, 'k', n);
	typed -= n;
	return n;
}

static const struct virtio_console_ops console_ops = { write_out, take_keys };

static bool output(struct serial *s, uint8_t byte)
{
	return room;
}

static void interrupt(struct serial *s)
{
	edges++;
}

static void input_ready(struct serial *s)
{
}

static const struct serial_ops serial_ops = { output, interrupt, input_ready };

static void start_devices(void)
{
	static const int doorbells[VIRTIO_MMIO_MAX_QUEUES] = { 100, 101, 102, 103 };
	struct virtio_device *const devices[] = { &rng.virtio, &console.virtio, &pmem.virtio };
	unsigned page = 0;

	log_set_level(LOG_LEVEL_ERROR);
	loop_reset();
	memset(ram, 0, sizeof(ram));
	memory.count = 0;
	fuzz_check(guest_memory_add(&memory, gpa(0), RAM_SIZE, ram, GUEST_RAM) == 0);
	fuzz_check(guest_memory_add(&memory, gpa(PMEM), PMEM_SIZE, file_bytes, GUEST_PMEM) == 0);
	backing = (struct pmem_backing){ .path = "file",
					 .fd = 50,
					 .file_size = PMEM_SIZE,
					 .size = PMEM_SIZE,
					 .writable_size = PMEM_SIZE,
					 .host = file_bytes,
					 .share = true };
	memset(&console, 0, sizeof(console));
	rng_init(&rng, &memory);
	virtio_console_init(&console, &console_ops, &loop, &memory);
	pmem_init(&pmem, "fuzz", &backing, gpa(PMEM), &loop, &memory);
	serial_init(&serial, &serial_ops);
	edges = room = typed = 0;
	for (unsigned i = 0; i < DEVICES; i++) {
		struct slot *s = &slots[i];

		s->dev = devices[i];
		s->first = page;
		page += s->dev->n_queues;
		memset(s->registers, 0, sizeof(s->registers));
		virtio_mmio_init(&s->mmio, s->dev, &loop, &line, doorbells, s->registers);
	}
	fuzz_check(page == QUEUES);
}

static void store(struct slot *s, unsigned offset, uint32_t value)
{
	virtio_mmio_write(&s->mmio, offset, 4, value);
}

static uint32_t status(const struct slot *s)
{
	return le32toh(s->registers[VIRTIO_MMIO_STATUS / 4]);
}

/* The steps of section 3.1.1, up to the @n-th. */
static void start_driver(struct slot *s, unsigned n)
{
	store(s, VIRTIO_MMIO_STATUS, 0);
	store(s, VIRTIO_MMIO_STATUS, n > 0 ? 3 : 1);
	store(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	store(s, VIRTIO_MMIO_DRIVER_FEATURES, 1u << (VIRTIO_F_VERSION_1 - 32));
	if (n > 1)
		store(s, VIRTIO_MMIO_STATUS, 11);
	for (unsigned i = 0; n > 2 && i < s->dev->n_queues; i++) {
		uint32_t at = (s->first + i) * PAGE;

		store(s, VIRTIO_MMIO_QUEUE_SEL, i);
		store(s, VIRTIO_MMIO_QUEUE_NUM, RING);
		store(s, VIRTIO_MMIO_QUEUE_DESC_LOW, at);
		store(s, VIRTIO_MMIO_QUEUE_AVAIL_LOW, at + AVAIL);
		store(s, VIRTIO_MMIO_QUEUE_USED_LOW, at + USED);
		store(s, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	if (n > 3)
		store(s, VIRTIO_MMIO_STATUS, 15);
	if (n > 4)
		store(s, VIRTIO_MMIO_STATUS, 15 | VIRTIO_CONFIG_S_FAILED);
}

/* As in <linux/virtio_ring.h>, little-endian. */
struct descriptor {
	__le64 addr;
	__le32 len;
	__le16 flags, next;
};
struct avail_ring {
	__le16 flags, idx, ring[RING];
};

/* Offers a buffer to whatever queue it is, or a readable one with a writable one behind it. */
static void offer(struct fuzz_input *in)
{
	unsigned queue = fuzz_input_u8(in) % QUEUES, head = fuzz_input_u8(in) % RING;
	struct descriptor *d = (struct descriptor *)(ram + queue * PAGE);
	struct avail_ring *avail = (struct avail_ring *)(ram + queue * PAGE + AVAIL);
	uint64_t addr = fuzz_input_u8(in) & 1 ? PMEM : 0x4000;
	uint32_t len = fuzz_input_u8(in);
	uint8_t shape = fuzz_input_u8(in);
	uint16_t idx = le16_to_host(avail->idx), next = (uint16_t)((head + 1) % RING);

	if (shape & 4) {
		d[next] = (struct descriptor){
			.addr = host_to_le64(0x5000),
			.len = host_to_le32(len),
			.flags = host_to_le16(VRING_DESC_F_WRITE),
		};
		shape = VRING_DESC_F_NEXT;
	}
	d[head] = (struct descriptor){
		.addr = host_to_le64(addr),
		.len = host_to_le32(len),
		.flags = host_to_le16(shape & 3),
		.next = host_to_le16(next),
	};
	avail->ring[idx % RING] = host_to_le16((uint16_t)head);
	avail->idx = host_to_le16((uint16_t)(idx + 1));
}

static void make_step(struct fuzz_input *in)
{
	uint8_t what = fuzz_input_u8(in), value = fuzz_input_u8(in);
	struct slot *s = &slots[value % DEVICES];
	const struct loop_op *op;

	switch (what & 7) {
	case 0:
		offer(in);
		break;
	case 1:
		store(s, VIRTIO_MMIO_QUEUE_NOTIFY, what >> 3);
		break;
	case 2:
		op = loop_at(value);
		if (op)
			loop_end(op, what & 8 ? -(int)(what >> 4) : 0);
		break;
	case 3:
		room += value;
		serial_output_ready(&serial);
		virtio_console_output_ready(&console);
		break;
	case 4:
		typed += value;
		virtio_console_input_ready(&console);
		serial_input(&serial, &value, 1);
		break;
	case 5:
		store(s, (what >> 3) * 4u + (value & 0x80), fuzz_input_u32(in));
		break;
	case 6:
		serial_write(&serial, what >> 3 & 7, value);
		break;
	case 7:
		serial_read(&serial, what >> 3 & 7);
		break;
	}
}

static void steps(struct fuzz_input *in)
{
	for (unsigned n = fuzz_input_u8(in) % STEPS_MAX; n && in->left; n--)
		make_step(in);
}

static void save(struct state_writer *w)
{
	struct error err;

	state_writer_init(w, STATE_MAX_SIZE);
	for (unsigned i = 0; i <= DEVICES; i++) {
		state_writer_begin(w, sections[i], 1);
		if (i < DEVICES)
			virtio_mmio_save(&slots[i].mmio, w);
		if (i == CONSOLE)
			virtio_console_save(&console, w);
		if (i == PMEM0)
			pmem_save(&pmem, w);
		if (i == DEVICES)
			serial_save(&serial, w);
		state_writer_end(w);
	}
	fuzz_check(state_writer_finish(w, &err) == 0, "%s", err.text);
}

static void load(struct state_reader *r)
{
	for (unsigned i = 0; i <= DEVICES; i++) {
		state_reader_begin(r, sections[i], 1);
		if (i < DEVICES)
			virtio_mmio_load(&slots[i].mmio, r);
		/* Once something is refused, nothing is accepted any more. */
		if (i < DEVICES && r->failed)
			fuzz_check(status(&slots[i]) == 0, "device %u: 0x%x", i, status(&slots[i]));
		if (i == CONSOLE)
			virtio_console_load(&console, r);
		if (i == PMEM0)
			pmem_load(&pmem, r);
		if (i == DEVICES)
			serial_load(&serial, r);
		state_reader_end(r);
	}
}

/* Changes bytes of the file behind its header, and of guest memory. */
static void change(struct fuzz_input *in, struct state_writer *w)
{
	size_t head = sizeof(struct state_header);
	uint8_t *bytes = (uint8_t *)w->file.data;
	__le32 sum;

	for (unsigned n = fuzz_input_u8(in) % 32; n; n--)
		bytes[head + fuzz_input_u16(in) % (w->file.len - head)] = fuzz_input_u8(in);
	for (unsigned n = fuzz_input_u8(in) % 32; n; n--)
		ram[fuzz_input_u16(in) % RAM_SIZE] = fuzz_input_u8(in);
	sum = host_to_le32(state_checksum(bytes, w->file.len));
	memcpy(bytes + offsetof(struct state_header, checksum), &sum, sizeof(sum));
}

static bool save_and_load(struct fuzz_input *in, struct state_writer *w)
{
	struct state_reader r;
	struct state_writer again;
	struct error err;
	bool accepted;

	if (state_reader_init(&r, "state", w->file.data, w->file.len, &err) < 0)
		return false;
	memcpy(before, ram, sizeof(ram));
	edges = 0;
	load(&r);
	fuzz_check(memcmp(before, ram, sizeof(ram)) == 0, "a load writes to guest memory");
	fuzz_check(edges == 0, "a load makes an interrupt");
	accepted = state_reader_finish(&r, &err) == 0;
	if (accepted) {
		save(&again);
		fuzz_check(again.file.len == w->file.len, "%zu", again.file.len);
		fuzz_check(memcmp(again.file.data, w->file.data, w->file.len) == 0,
			   "something of the file was ignored");
		state_writer_fini(&again);
	}
	state_reader_fini(&r);
	return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct state_writer w;

	start_devices();
	for (unsigned i = 0; i < DEVICES; i++)
		start_driver(&slots[i], fuzz_input_u8(&in) % 6);
	steps(&in);
	save(&w);
	change(&in, &w);
	if (save_and_load(&in, &w)) {
		for (unsigned i = 0; i < DEVICES; i++)
			virtio_mmio_restored(&slots[i].mmio);
		serial_restored(&serial);
		steps(&in);
	}
	state_writer_fini(&w);
	for (unsigned i = 0; i < DEVICES; i++) {
		memset(ram, 0, sizeof(ram));
		start_driver(&slots[i], 4);
		fuzz_check(status(&slots[i]) == 15, "device %u: 0x%x", i, status(&slots[i]));
	}
	return 0;
}
