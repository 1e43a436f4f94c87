// SPDX-License-Identifier: Apache-2.0
/*
 * The guest of device.h and what it checks. Start reading at make_step and, for the checks, judge.
 */
#include "tests/fuzz/device.h"

#include "devices/virtio/virtio_mmio.h"
#include "vmm/base/endian.h"
#include "vmm/base/guest_memory.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* Enough for any state, and bounds the time of an input. */
#define STEPS_MAX 200

/*
 * Guest memory, with guard pages between the mappings: a page for each queue's ring, then room for
 * buffers, with borders of all kinds. Nothing that the device may write to lies in a ring, so what
 * the driver offered can be looked up after the device has run.
 */
#define RING_PAGE 0x1000ULL
#define AVAIL 0x400
#define USED 0x800
#define RING_MAX 64
#define RAM 0x4000ULL
#define MORE_RAM 0x8000ULL
#define PMEM 0xc000ULL
#define PMEM_WRITABLE 0x2000ULL
#define TOP_RAM 0xffffffffffffe000ULL
#define GUARD 0x10000

#define DOORBELL_FD 100

struct piece {
	uint64_t start, size;
	uint64_t writable_size; /* behind it there is a region of its own, read-only */
	enum guest_region_kind kind;
	uint8_t *host;
	uint8_t copy[0x4000]; /* what it must hold */
};

static struct piece pieces[] = {
	{ 0, 0x4000, 0x4000, GUEST_RAM, NULL, { 0 } },
	{ RAM, 0x4000, 0x4000, GUEST_RAM, NULL, { 0 } },
	{ MORE_RAM, 0x1000, 0x1000, GUEST_RAM, NULL, { 0 } },
	{ PMEM, 0x4000, PMEM_WRITABLE, GUEST_PMEM, NULL, { 0 } },
	{ TOP_RAM, 0x1000, 0x1000, GUEST_RAM, NULL, { 0 } },
};

static struct guest_memory memory;
static struct event_loop loop;
static const struct device_target *target;
static struct virtio_device *dev;
static struct virtio_mmio mmio;
static uint32_t registers[0x1000 / 4];
static unsigned edges;

/* A chain that the device has taken. */
struct chain {
	bool taken;
	uint32_t readable_len, writable_len;
	unsigned n_writable;
	struct {
		uint64_t addr;
		uint32_t len;
	} writable[RING_MAX];
};

static struct queue {
	uint16_t size; /* 0: not ready */
	uint16_t last_avail, used_idx;
	struct chain chains[RING_MAX]; /* by head */
} queues[VIRTIO_MMIO_MAX_QUEUES];
static bool broken;

static int count_edge(struct interrupt_line *line)
{
	edges++;
	return 0;
}

static struct interrupt_line line = { count_edge };

static void make_pieces(void)
{
	uint8_t *at = mmap(NULL, ARRAY_SIZE(pieces) * (sizeof(pieces[0].copy) + GUARD) + GUARD,
			   PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	fuzz_check(at != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i].host = at + GUARD;
		fuzz_check(mprotect(pieces[i].host, pieces[i].size, PROT_READ | PROT_WRITE) == 0);
		at = pieces[i].host + pieces[i].size;
	}
}

static void lay_out(void)
{
	if (!pieces[0].host)
		make_pieces();
	memory.count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct piece *p = &pieces[i];

		memset(p->host, 0, p->size);
		memset(p->copy, 0, p->size);
		fuzz_check(guest_memory_add(&memory, gpa(p->start), p->writable_size, p->host,
					    p->kind) == 0);
		if (p->writable_size < p->size)
			fuzz_check(guest_memory_add(&memory, gpa(p->start + p->writable_size),
						    p->size - p->writable_size,
						    p->host + p->writable_size,
						    GUEST_PMEM_READONLY) == 0);
	}
}

/* The piece whose one region has all of @len bytes at @addr, or NULL; *@ret_at is where. */
static struct piece *find_piece(uint64_t addr, uint64_t len, bool writable, uint64_t *ret_at)
{
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct piece *p = &pieces[i];
		uint64_t at = addr - p->start;
		bool above = at >= p->writable_size;

		if (addr < p->start || at >= p->size)
			continue;
		if (len > (above ? p->size : p->writable_size) - at || (writable && above))
			return NULL;
		*ret_at = at;
		return p;
	}
	return NULL;
}

/* The guest's own store; nothing happens where it may not. */
static void store(uint64_t addr, const void *bytes, uint64_t len)
{
	uint64_t at;
	struct piece *p = find_piece(addr, len, true, &at);

	if (!p)
		return;
	memcpy(p->host + at, bytes, len);
	memcpy(p->copy + at, bytes, len);
}

static void store16(uint64_t addr, uint16_t value)
{
	__le16 wire = host_to_le16(value);

	store(addr, &wire, sizeof(wire));
}

static const uint8_t *ring(unsigned q)
{
	return pieces[0].copy + q * RING_PAGE;
}

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get32(const uint8_t *bytes)
{
	return get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

static uint64_t get64(const uint8_t *bytes)
{
	return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

/* Adds one descriptor; false if it breaks a rule (section 2.7.5). */
static bool add_buffer(struct chain *chain, const uint8_t *d)
{
	uint64_t addr = get64(d), at;
	uint32_t len = get32(d + 8);
	uint16_t flags = get16(d + 12);
	bool writable = flags & VRING_DESC_F_WRITE;

	if (flags & VRING_DESC_F_INDIRECT || (!writable && chain->n_writable))
		return false;
	if (len && !find_piece(addr, len, writable, &at))
		return false;
	if (!writable) {
		chain->readable_len += len;
		return true;
	}
	chain->writable[chain->n_writable].addr = addr;
	chain->writable[chain->n_writable++].len = len;
	chain->writable_len += len;
	return true;
}

/* What the driver offers at @head, or false if it breaks a rule. */
static bool walk(unsigned q, uint16_t head, struct chain *ret_chain)
{
	uint16_t i = head;

	*ret_chain = (struct chain){ .taken = true };
	for (unsigned n = 0; n < queues[q].size && i < queues[q].size; n++) {
		const uint8_t *d = ring(q) + 16ULL * i;

		if (!add_buffer(ret_chain, d))
			return false;
		if (!(get16(d + 12) & VRING_DESC_F_NEXT))
			return true;
		i = get16(d + 14);
	}
	return false;
}

/* The first @len bytes that @chain gave to be written to hold what they hold. */
static void allow(const struct chain *chain, uint32_t len)
{
	for (unsigned i = 0; i < chain->n_writable && len; i++) {
		uint32_t n = chain->writable[i].len < len ? chain->writable[i].len : len;
		uint64_t at;
		struct piece *p = n ? find_piece(chain->writable[i].addr, n, true, &at) : NULL;

		if (p)
			memcpy(p->copy + at, p->host + at, n);
		len -= n;
	}
}

/* One entry of the used ring (section 2.7.8). */
static void judge_entry(unsigned q)
{
	struct queue *queue = &queues[q];
	uint64_t at = q * RING_PAGE + USED + 4 + 8ULL * (queue->used_idx % queue->size);
	uint32_t id = get32(pieces[0].host + at), written = get32(pieces[0].host + at + 4);
	struct chain *chain = &queue->chains[id % RING_MAX];
	struct device_answer answer = { q, chain->readable_len, chain->writable_len, written };

	fuzz_check(id < queue->size && chain->taken, "queue %u: %u was not taken", q, id);
	fuzz_check(written <= chain->writable_len, "queue %u: %u bytes in %u", q, written,
		   chain->writable_len);
	memcpy(pieces[0].copy + at, pieces[0].host + at, 8);
	allow(chain, target->scribbles ? UINT32_MAX : written);
	chain->taken = false;
	queue->used_idx++;
	if (target->answered)
		target->answered(&answer);
}

/* What the device has taken: it was offered, obeys the rules, and is not in flight. */
static void judge_taken(unsigned q, uint16_t used_idx)
{
	struct queue *queue = &queues[q];
	uint16_t offered = get16(ring(q) + AVAIL + 2);

	for (; queue->last_avail != dev->queues[q].last_avail; queue->last_avail++) {
		uint16_t head =
			get16(ring(q) + AVAIL + 4 + 2ULL * (queue->last_avail % queue->size));

		fuzz_check(!broken && queue->last_avail != offered, "queue %u: nothing is offered",
			   q);
		fuzz_check(head < queue->size, "queue %u: head %u", q, head);
		/* Offered twice: then it has come back in between. */
		while (queue->chains[head].taken && queue->used_idx != used_idx)
			judge_entry(q);
		fuzz_check(!queue->chains[head].taken, "queue %u: head %u", q, head);
		fuzz_check(walk(q, head, &queue->chains[head]),
			   "queue %u: chain %u breaks the rules", q, head);
	}
}

/* What came and went in this step; true if the driver wants to be told of it. */
static bool judge_queue(unsigned q)
{
	struct queue *queue = &queues[q];
	uint64_t at = q * RING_PAGE + USED + 2;
	uint16_t idx = get16(pieces[0].host + at), n = (uint16_t)(idx - queue->used_idx);

	fuzz_check(n <= queue->size && (!n || !broken), "queue %u: %u entries", q, n);
	judge_taken(q, idx);
	while (queue->used_idx != idx)
		judge_entry(q);
	memcpy(pieces[0].copy + at, pieces[0].host + at, 2);
	return n && !(get16(ring(q) + AVAIL) & VRING_AVAIL_F_NO_INTERRUPT);
}

static void judge_memory(void)
{
	for (unsigned q = 0; q < dev->n_queues; q++)
		for (unsigned i = 0; i < RING_MAX; i++)
			if (queues[q].chains[i].taken)
				allow(&queues[q].chains[i], UINT32_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (uint64_t at = 0; memcmp(pieces[i].host, pieces[i].copy, pieces[i].size) != 0;
		     at++)
			fuzz_check(pieces[i].host[at] == pieces[i].copy[at],
				   "byte 0x%llx is 0x%x, not 0x%x",
				   (unsigned long long)(pieces[i].start + at), pieces[i].host[at],
				   pieces[i].copy[at]);
}

/* From now on nothing that was taken from the queue may come back. */
static void forget(unsigned q)
{
	memset(queues[q].chains, 0, sizeof(queues[q].chains));
}

/* After each step that the device takes part in. */
static void judge(void)
{
	bool told = false, breaks = !broken && mmio.status & VIRTIO_CONFIG_S_NEEDS_RESET;

	for (unsigned q = 0; q < dev->n_queues; q++) {
		fuzz_check(dev->queues[q].ready == (queues[q].size != 0), "queue %u", q);
		fuzz_check(loop_find_fd(LOOP_READ, DOORBELL_FD + (int)q),
			   "nobody listens to doorbell %u", q);
		if (queues[q].size)
			told |= judge_queue(q);
	}
	judge_memory();
	fuzz_check(!told || edges, "no interrupt");
	fuzz_check(!edges || told || breaks, "an interrupt without a reason");
	edges = 0;
	broken |= breaks;
	for (unsigned q = 0; q < dev->n_queues && breaks; q++)
		forget(q);
	if (target->check)
		target->check();
}

static void write_register(uint64_t offset, uint32_t value)
{
	virtio_mmio_write(&mmio, offset, 4, value);
}

/* @size of 0 leaves it alone. */
static void enable(unsigned q, uint16_t size)
{
	uint32_t page = (uint32_t)(q * RING_PAGE);
	const uint8_t zeroes[RING_PAGE] = { 0 };

	if (!size)
		return;
	store(page, zeroes, sizeof(zeroes));
	write_register(VIRTIO_MMIO_QUEUE_SEL, q);
	write_register(VIRTIO_MMIO_QUEUE_NUM, size);
	write_register(VIRTIO_MMIO_QUEUE_DESC_LOW, page);
	write_register(VIRTIO_MMIO_QUEUE_AVAIL_LOW, page + AVAIL);
	write_register(VIRTIO_MMIO_QUEUE_USED_LOW, page + USED);
	write_register(VIRTIO_MMIO_QUEUE_READY, 1);
	if (!broken)
		queues[q].size = size;
	queues[q].last_avail = queues[q].used_idx = 0;
}

static void disable(unsigned q)
{
	queues[q].size = 0;
	forget(q);
	write_register(VIRTIO_MMIO_QUEUE_SEL, q);
	write_register(VIRTIO_MMIO_QUEUE_READY, 0);
}

static uint16_t take_size(struct fuzz_input *in)
{
	uint8_t byte = fuzz_input_u8(in) & 7;

	return byte == 7 ? 0 : (uint16_t)(RING_MAX >> byte);
}

/* All of section 3.1.1, from a reset on. */
static void restart(struct fuzz_input *in)
{
	static const uint32_t to_features =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	uint64_t features = (fuzz_input_u32(in) & target->features) | 1ULL << VIRTIO_F_VERSION_1;

	for (unsigned q = 0; q < dev->n_queues; q++) {
		queues[q].size = 0;
		forget(q);
	}
	broken = false;
	write_register(VIRTIO_MMIO_STATUS, 0);
	write_register(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (unsigned i = 0; i < 2; i++) {
		write_register(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		write_register(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
	}
	write_register(VIRTIO_MMIO_STATUS, to_features);
	fuzz_check(mmio.status == to_features, "0x%x", mmio.status);
	for (unsigned q = 0; q < dev->n_queues; q++)
		enable(q, take_size(in));
	write_register(VIRTIO_MMIO_STATUS, to_features | VIRTIO_CONFIG_S_DRIVER_OK);
	judge();
}

/* Where buffers can lie. */
static uint64_t take_place(struct fuzz_input *in, bool writable)
{
	static const uint64_t places[] = {
		RAM,
		RAM + 0x1000,
		RAM + 0x2000,
		RAM + 0x4000 - 16,
		MORE_RAM + 0x1000 - 16,
		PMEM + PMEM_WRITABLE - 16,
		TOP_RAM + 0x1000 - 16,
		0,
	};
	uint8_t byte = fuzz_input_u8(in);
	uint64_t at = places[byte >> 5];

	if (!at)
		return writable ? RAM + 0x3000 : 4 * RING_PAGE - 16;
	return at + (byte & 31);
}

/* Puts the request's bytes into the readable buffers as they come. */
static void fill(uint64_t addr, uint32_t len, const uint8_t **bytes, unsigned *left)
{
	uint32_t n = len < *left ? len : *left;

	store(addr, *bytes, n);
	*bytes += n;
	*left -= n;
}

/*
 * The avail index. A driver has as many requests on their way as the ring has entries, or breaks
 * the rules; one that has more, by offering a chain again that is still in flight, would not find
 * all of what came back in the used ring, and neither would judge_queue.
 */
static void advance(unsigned q, uint16_t idx)
{
	const struct queue *queue = &queues[q];
	unsigned pending = (uint16_t)(idx - queue->last_avail), taken = 0;

	for (unsigned i = 0; i < RING_MAX; i++)
		taken += queue->chains[i].taken;
	if (pending > queue->size || pending + taken <= queue->size)
		store16(q * RING_PAGE + AVAIL + 2, idx);
}

static void offer(unsigned q, uint16_t head)
{
	uint16_t idx = get16(ring(q) + AVAIL + 2);

	store16(q * RING_PAGE + AVAIL + 4 + 2ULL * (idx % queues[q].size), head);
	advance(q, (uint16_t)(idx + 1));
}

static void descriptor(unsigned q, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
		       uint16_t next)
{
	uint64_t at = q * RING_PAGE + 16ULL * (i % queues[q].size);
	__le64 wire_addr = host_to_le64(addr);
	__le32 wire_len = host_to_le32(len);

	store(at, &wire_addr, sizeof(wire_addr));
	store(at + 8, &wire_len, sizeof(wire_len));
	store16(at + 12, flags);
	store16(at + 14, next);
}

/* A chain of up to 3 buffers to read and 7 to write to, most of them sound. */
static void request(struct fuzz_input *in, unsigned q)
{
	uint8_t shape = fuzz_input_u8(in), head = fuzz_input_u8(in) & (RING_MAX - 1);
	unsigned readable = shape & 3, writable = shape >> 2 & 7, n = readable + writable;
	uint16_t size = queues[q].size;
	uint8_t bytes[256];
	const uint8_t *next = bytes;
	unsigned left = 0;

	if (!size)
		return;
	if (readable && target->request)
		left = target->request(in, q, bytes, sizeof(bytes));
	for (unsigned i = 0; i < n; i++) {
		uint8_t len = fuzz_input_u8(in);
		uint32_t bytes_in_it = len & 0x80 ? 64 * (len & 0x7f) : len;
		uint16_t flags = (uint16_t)((i + 1 < n ? VRING_DESC_F_NEXT : 0) |
					    (i < readable ? 0 : VRING_DESC_F_WRITE));
		uint64_t addr;

		if (shape & 0x20)
			flags ^= fuzz_input_u8(in) & 7;
		addr = take_place(in, flags & VRING_DESC_F_WRITE);
		if (i < readable)
			fill(addr, bytes_in_it, &next, &left);
		descriptor(q, head + i, addr, bytes_in_it, flags,
			   (uint16_t)((head + i + 1) % size));
	}
	offer(q, shape & 0x40 ? head : head % size);
}

static void doorbell(unsigned q)
{
	loop_end(loop_find_fd(LOOP_READ, DOORBELL_FD + (int)q), sizeof(eventfd_t));
	judge();
}

static void take_bytes(struct fuzz_input *in)
{
	uint64_t addr = take_place(in, true);
	uint8_t len = fuzz_input_u8(in);

	if (len > in->left)
		len = (uint8_t)in->left;
	store(addr, in->bytes, len);
	in->bytes += len;
	in->left -= len;
}

static void event(struct fuzz_input *in)
{
	if (!target->event)
		return;
	target->event(in);
	judge();
}

static void make_step(struct fuzz_input *in)
{
	uint8_t what = fuzz_input_u8(in);
	unsigned q = (what >> 4) % dev->n_queues;

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		request(in, q);
		break;
	case 4:
	case 5:
	case 6:
		request(in, q);
		doorbell(q);
		break;
	case 7:
		doorbell(q);
		break;
	case 8:
		write_register(VIRTIO_MMIO_QUEUE_NOTIFY, q);
		judge();
		break;
	case 9:
	case 10:
		event(in);
		break;
	case 11:
		take_bytes(in);
		break;
	case 12:
		advance(q, fuzz_input_u16(in));
		break;
	case 13:
		store16(q * RING_PAGE + AVAIL, fuzz_input_u8(in));
		break;
	case 14:
		disable(q);
		judge();
		enable(q, take_size(in));
		judge();
		break;
	case 15:
		restart(in);
		break;
	}
}

int device_run(const struct device_target *the_target, const uint8_t *data, size_t size)
{
	static const int doorbells[] = { DOORBELL_FD, DOORBELL_FD + 1, DOORBELL_FD + 2,
					 DOORBELL_FD + 3 };
	struct fuzz_input in = { data, size };

	_Static_assert(ARRAY_SIZE(doorbells) == VIRTIO_MMIO_MAX_QUEUES, "one for each queue");
	target = the_target;
	log_set_level(LOG_LEVEL_ERROR);
	loop_reset();
	lay_out();
	edges = 0;
	dev = target->start(&in, &loop, &memory);
	memset(registers, 0, sizeof(registers));
	virtio_mmio_init(&mmio, dev, &loop, &line, doorbells, registers);
	virtio_mmio_start(&mmio);
	restart(&in);
	for (unsigned i = 0; i < STEPS_MAX && in.left; i++)
		make_step(&in);
	/* Whatever it did, a reset makes a working device of it. */
	restart(&in);
	fuzz_check(!broken);
	if (target->stop)
		target->stop();
	return 0;
}
