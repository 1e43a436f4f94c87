// SPDX-License-Identifier: Apache-2.0
/* The fuzzed machine and its model; machine.h is its manual. */
#include "tests/fuzz/machine.h"

#include "devices/virtio/pmem.h"
#include "devices/virtio/virtio_mmio.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/loop.h"
#include "vmm/base/endian.h"
#include "vmm/base/guest_memory.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pmem.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define GUARD 0x10000
#define FILE_FD 100
#define DOORBELL_FD 101

/* A piece of guest memory: the device's, and the model's copy of what it must hold. */
struct piece {
	uint64_t start, size;
	uint64_t writable_size;
	bool ram;
	uint8_t *host;
	uint8_t copy[MACHINE_RAM_SIZE];
};

enum { RAM, MORE_RAM, PMEM, TOP_RAM, PIECES };

static struct piece pieces[PIECES] = {
	{ MACHINE_RAM, MACHINE_RAM_SIZE, MACHINE_RAM_SIZE, true, NULL, { 0 } },
	{ MACHINE_MORE_RAM, MACHINE_MORE_RAM_SIZE, MACHINE_MORE_RAM_SIZE, true, NULL, { 0 } },
	{ MACHINE_PMEM, MACHINE_PMEM_SIZE, 0, false, NULL, { 0 } },
	{ MACHINE_TOP_RAM, MACHINE_TOP_RAM_SIZE, MACHINE_TOP_RAM_SIZE, true, NULL, { 0 } },
};

/* The device under test. */
static struct guest_memory memory;
static struct event_loop loop;
static struct pmem_backing backing;
static struct pmem pmem;
static struct virtio_mmio mmio;
#define REGISTERS ((VIRTIO_MMIO_CONFIG + 16) / 4)
static uint32_t registers[REGISTERS];
static unsigned edges;	  /* on the interrupt, since the last step */
static unsigned failures; /* told to the host's side */

/* A popped request, as the model sees it: the guest-physical places of the answer's four bytes. */
struct flush {
	uint16_t head;
	bool refused;
	uint64_t answer[4];
};

static struct {
	uint32_t status;
	uint32_t interrupt_status;
	unsigned edges;
	bool ready;
	struct virtqueue_setup ring;
	uint16_t last_avail, used_idx;
	struct flush flushes[VIRTQUEUE_MAX_SIZE];
	unsigned n_flushes, n_covered;
	bool syncing, error_pending;
	uint64_t answered;
} model;

static int count_edge(struct interrupt_line *line)
{
	edges++;
	return 0;
}

static struct interrupt_line line = { count_edge };

static void flush_failed(struct pmem *device, int error)
{
	fuzz_check(device == &pmem && error > 0);
	failures++;
}

static const struct pmem_ops pmem_ops = { .flush_failed = flush_failed };

/* Where the model has @len bytes at @addr, or NULL unless one piece has them all. */
static uint8_t *find_memory(uint64_t addr, uint64_t len, bool writable, bool ram_only)
{
	for (unsigned i = 0; i < PIECES; i++) {
		struct piece *p = &pieces[i];
		uint64_t at = addr - p->start;
		bool above = at >= p->writable_size;

		if (addr < p->start || at >= p->size)
			continue;
		/* A device's memory is two regions where stores reach only a part of it. */
		if (len > (above ? p->size : p->writable_size) - at)
			return NULL;
		return (writable && above) || (ram_only && !p->ram) ? NULL : &p->copy[at];
	}
	return NULL;
}

static uint16_t get16(uint64_t addr)
{
	__le16 v;

	memcpy(&v, find_memory(addr, 2, false, true), sizeof(v));
	return le16_to_host(v);
}

static void put16(uint64_t addr, uint16_t value)
{
	__le16 v = host_to_le16(value);

	memcpy(find_memory(addr, 2, true, true), &v, sizeof(v));
}

static void put32(uint64_t addr, uint32_t value)
{
	__le32 v = host_to_le32(value);

	memcpy(find_memory(addr, 4, true, true), &v, sizeof(v));
}

static bool model_has(uint32_t bits)
{
	return (model.status & bits) == bits;
}

static void model_interrupt(uint32_t bit)
{
	model.interrupt_status |= bit;
	model.edges++;
}

/* Section 2.1.2: from now on nothing is taken or answered until a reset. */
static void model_break(void)
{
	model.n_flushes = model.n_covered = 0;
	model.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (model_has(VIRTIO_CONFIG_S_DRIVER_OK))
		model_interrupt(VIRTIO_MMIO_INT_CONFIG);
}

/* Bytes of a request: the first four of those to read, the places of the first four to write. */
struct chain {
	uint8_t request[4];
	uint64_t answer[4];
	unsigned readable, writable;
};

/* Section 2.7.5.1. */
struct descriptor {
	__le64 addr;
	__le32 len;
	__le16 flags;
	__le16 next;
};

/* One descriptor; false if it breaks a rule (section 2.7.5). */
static bool model_descriptor(const struct descriptor *d, struct chain *chain)
{
	uint16_t flags = le16_to_host(d->flags);
	uint64_t addr = le64_to_host(d->addr);
	uint32_t len = le32_to_host(d->len);
	bool write = flags & VRING_DESC_F_WRITE;
	const uint8_t *bytes;

	if (flags & VRING_DESC_F_INDIRECT)
		return false;
	bytes = find_memory(addr, len, write, false);
	if (len && !bytes)
		return false;
	for (uint32_t i = 0; i < len && i < 4; i++) {
		if (write && chain->writable < 4)
			chain->answer[chain->writable++] = addr + i;
		if (!write && chain->readable < 4)
			chain->request[chain->readable++] = bytes[i];
	}
	return true;
}

static bool model_chain(uint16_t head, struct chain *chain)
{
	bool writable_seen = false;
	uint16_t i = head;

	*chain = (struct chain){ .readable = 0 };
	for (unsigned n = 0; n < model.ring.size; n++) {
		struct descriptor d;
		uint16_t flags;

		memcpy(&d, find_memory(model.ring.desc + 16ULL * i, 16, false, true), sizeof(d));
		flags = le16_to_host(d.flags);
		if (writable_seen && !(flags & VRING_DESC_F_WRITE))
			return false;
		writable_seen |= flags & VRING_DESC_F_WRITE;
		if (!model_descriptor(&d, chain))
			return false;
		if (!(flags & VRING_DESC_F_NEXT))
			return chain->readable == 4 && chain->writable == 4;
		i = le16_to_host(d.next);
		if (i >= model.ring.size)
			return false;
	}
	return false;
}

/* Takes what the driver made available; false if it breaks a rule (sections 2.7.6 and 5.19.6). */
static bool model_take(void)
{
	uint16_t size = model.ring.size;

	for (;;) {
		uint16_t pending = (uint16_t)(get16(model.ring.driver + 2) - model.last_avail);
		struct flush *flush = &model.flushes[model.n_flushes];
		struct chain chain;
		uint16_t head;

		if (!pending)
			return true;
		if (pending > size)
			return false;
		head = get16(model.ring.driver + 4 + 2ULL * (model.last_avail % size));
		if (head >= size)
			return false;
		for (unsigned i = 0; i < model.n_flushes; i++)
			if (model.flushes[i].head == head)
				return false;
		if (!model_chain(head, &chain))
			return false;
		*flush = (struct flush){ .head = head };
		memcpy(flush->answer, chain.answer, sizeof(flush->answer));
		for (unsigned i = 0; i < 4; i++)
			flush->refused |= chain.request[i] != 0;
		model.last_avail++;
		model.n_flushes++;
	}
}

static void model_answer(const struct flush *flush, bool failed)
{
	uint64_t entry = model.ring.device + 4 + 8ULL * (model.used_idx % model.ring.size);

	for (unsigned i = 0; i < 4; i++)
		*find_memory(flush->answer[i], 1, true, false) = failed ? 0xff : 0;
	put32(entry, flush->head);
	put32(entry + 4, 4);
	put16(model.ring.device + 2, ++model.used_idx);
	model.answered++;
}

static void model_answer_covered(void)
{
	unsigned n = model.n_covered;
	bool reported = false;

	if (!n)
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct flush *flush = &model.flushes[i];

		model_answer(flush, flush->refused || model.error_pending);
		reported |= !flush->refused;
	}
	if (reported)
		model.error_pending = false;
	model.n_flushes -= n;
	model.n_covered = 0;
	memmove(model.flushes, model.flushes + n, model.n_flushes * sizeof(model.flushes[0]));
	if (!(get16(model.ring.driver) & VRING_AVAIL_F_NO_INTERRUPT))
		model_interrupt(VIRTIO_MMIO_INT_VRING);
}

/* One fdatasync at most, for all that was taken before it began. */
static void model_begin_sync(void)
{
	if (model.syncing || !model.n_flushes)
		return;
	model.n_covered = model.n_flushes;
	if (backing.share && !backing.readonly)
		model.syncing = true;
	else
		model_answer_covered();
}

static void model_kick(void)
{
	if (!model_has(VIRTIO_CONFIG_S_DRIVER_OK) || model_has(VIRTIO_CONFIG_S_NEEDS_RESET) ||
	    !model.ready)
		return;
	if (model_take())
		model_begin_sync();
	else
		model_break();
}

/* Section 2.7: sizes, alignments, and all of each part in one piece of RAM. */
static bool ring_sound(const struct virtqueue_setup *s)
{
	uint64_t n = s->size;

	return n && n <= VIRTQUEUE_MAX_SIZE && !(n & (n - 1)) && s->desc % 16 == 0 &&
	       s->driver % 2 == 0 && s->device % 4 == 0 &&
	       find_memory(s->desc, 16 * n, true, true) &&
	       find_memory(s->driver, 4 + 2 * n, true, true) &&
	       find_memory(s->device, 4 + 8 * n, true, true);
}

/* A write to Status; @before is what it held. The steps themselves are checked as rules. */
static void model_status(uint32_t before, uint32_t value)
{
	uint32_t after = mmio.status;

	if (value == 0) {
		model.status = model.interrupt_status = 0;
		model.ready = false;
		model.n_flushes = model.n_covered = 0;
		return;
	}
	fuzz_check((before & ~after) == 0, "status 0x%x to 0x%x", before, after);
	fuzz_check((after & ~before & ~value & ~VIRTIO_CONFIG_S_NEEDS_RESET) == 0,
		   "0x%x written, status 0x%x to 0x%x", value, before, after);
	model.status |= after & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (after & ~before & VIRTIO_CONFIG_S_DRIVER_OK)
		model_kick();
}

/* A write to QueueReady, which had been @before. */
static void model_queue_ready(bool before, uint32_t value)
{
	const struct virtqueue_setup *setup = &pmem.queue.setup;

	if (before && value == 0) {
		model.ready = false;
		model.n_flushes = model.n_covered = 0;
	} else if (!before && value == 1 && model_has(VIRTIO_CONFIG_S_FEATURES_OK) &&
		   !model_has(VIRTIO_CONFIG_S_NEEDS_RESET)) {
		if (!ring_sound(setup)) {
			model_break();
			return;
		}
		model.ready = true;
		model.ring = *setup;
		model.last_avail = model.used_idx = 0;
	}
}

static void model_write(uint64_t offset, uint32_t value, uint32_t status_before, uint32_t queue)
{
	switch (offset) {
	case VIRTIO_MMIO_STATUS:
		model_status(status_before, value);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (queue == 0)
			model_queue_ready(model.ready, value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value == 0)
			model_kick();
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		/* The used buffer bit stays: see devices/virtio/virtio_mmio.h. */
		model.interrupt_status &= ~(value & VIRTIO_MMIO_INT_CONFIG);
		break;
	default:
		break;
	}
}

/* Each step of the handshake needs the one before (section 3.1.1). */
static void check_status(void)
{
	uint32_t s = mmio.status;

	fuzz_check(s == model.status, "0x%x, not 0x%x", s, model.status);
	fuzz_check(!(s & VIRTIO_CONFIG_S_DRIVER_OK) || (s & VIRTIO_CONFIG_S_FEATURES_OK), "0x%x",
		   s);
	fuzz_check(!(s & VIRTIO_CONFIG_S_FEATURES_OK) || (s & VIRTIO_CONFIG_S_DRIVER), "0x%x", s);
	fuzz_check(!(s & VIRTIO_CONFIG_S_DRIVER) || (s & VIRTIO_CONFIG_S_ACKNOWLEDGE), "0x%x", s);
	fuzz_check(!model.ready || (s & VIRTIO_CONFIG_S_FEATURES_OK), "0x%x", s);
	if (s & VIRTIO_CONFIG_S_FEATURES_OK)
		fuzz_check(pmem.virtio.driver_features == 1ULL << VIRTIO_F_VERSION_1);
}

static void check_memory(void)
{
	for (unsigned i = 0; i < PIECES; i++)
		for (uint64_t at = 0; memcmp(pieces[i].host, pieces[i].copy, pieces[i].size) != 0;
		     at++)
			fuzz_check(pieces[i].host[at] == pieces[i].copy[at],
				   "byte 0x%llx is 0x%x, not 0x%x",
				   (unsigned long long)(pieces[i].start + at), pieces[i].host[at],
				   pieces[i].copy[at]);
}

static void expect_register(__le32 *page, unsigned offset, uint32_t value)
{
	page[offset / 4] = host_to_le32(value);
}

/* What the guest reads, all of it (section 4.2.2). */
static void check_registers(void)
{
	bool there = mmio.queue_sel == 0;
	__le32 page[REGISTERS] = { 0 };

	expect_register(page, VIRTIO_MMIO_MAGIC_VALUE, 0x74726976);
	expect_register(page, VIRTIO_MMIO_VERSION, 2);
	expect_register(page, VIRTIO_MMIO_DEVICE_ID, VIRTIO_ID_PMEM);
	expect_register(page, VIRTIO_MMIO_VENDOR_ID, VIRTIO_MMIO_VENDOR);
	expect_register(page, VIRTIO_MMIO_DEVICE_FEATURES, mmio.device_features_sel == 1);
	expect_register(page, VIRTIO_MMIO_QUEUE_NUM_MAX, there ? VIRTQUEUE_MAX_SIZE : 0);
	expect_register(page, VIRTIO_MMIO_QUEUE_READY, there && model.ready);
	expect_register(page, VIRTIO_MMIO_INTERRUPT_STATUS, model.interrupt_status);
	expect_register(page, VIRTIO_MMIO_STATUS, model.status);
	for (unsigned offset = VIRTIO_MMIO_SHM_LEN_LOW; offset <= VIRTIO_MMIO_SHM_BASE_HIGH;
	     offset += 4)
		expect_register(page, offset, 0xffffffff);
	expect_register(page, VIRTIO_MMIO_CONFIG, MACHINE_PMEM);
	expect_register(page, VIRTIO_MMIO_CONFIG + 8, MACHINE_PMEM_SIZE);
	for (unsigned i = 0; i < REGISTERS; i++)
		fuzz_check(registers[i] == le32_to_host(page[i]), "register 0x%x is 0x%x, not 0x%x",
			   4 * i, registers[i], le32_to_host(page[i]));
}

static bool same_ring(const struct virtqueue_setup *a, const struct virtqueue_setup *b)
{
	return a->size == b->size && a->desc == b->desc && a->driver == b->driver &&
	       a->device == b->device;
}

static void check_step(void)
{
	check_status();
	fuzz_check(pmem.queue.ready == model.ready);
	fuzz_check(!model.ready || same_ring(&pmem.queue.setup, &model.ring));
	check_registers();
	fuzz_check(edges == model.edges, "%u interrupts, not %u", edges, model.edges);
	fuzz_check(loop_count(LOOP_READ) == 1, "the doorbell is listened to once");
	fuzz_check(loop_count(LOOP_FDATASYNC) == model.syncing);
	fuzz_check(pmem.counters.flushes + pmem.counters.flush_errors == model.answered);
	edges = model.edges = 0;
}

static void make_pieces(void)
{
	uint8_t *at = mmap(NULL, PIECES * (MACHINE_RAM_SIZE + GUARD) + GUARD, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	fuzz_check(at != MAP_FAILED);
	for (unsigned i = 0; i < PIECES; i++) {
		pieces[i].host = at + GUARD;
		fuzz_check(mprotect(pieces[i].host, pieces[i].size, PROT_READ | PROT_WRITE) == 0);
		at = pieces[i].host + pieces[i].size;
	}
}

static void add_region(gpa_t start, uint64_t size, uint8_t *host, enum guest_region_kind kind)
{
	if (size)
		fuzz_check(guest_memory_add(&memory, start, size, host, kind) == 0);
}

static void lay_out(enum machine_file file)
{
	struct piece *disk = &pieces[PMEM];

	if (!disk->host)
		make_pieces();
	disk->writable_size = file == MACHINE_READONLY	? 0
			      : file == MACHINE_PRIVATE ? MACHINE_PMEM_SIZE
							: MACHINE_PMEM_FILE_SIZE & ~0xfffULL;
	memory.count = 0;
	for (unsigned i = 0; i < PIECES; i++) {
		struct piece *p = &pieces[i];

		memset(p->host, 0, p->size);
		memset(p->copy, 0, p->size);
		add_region(gpa(p->start), p->writable_size, p->host,
			   p->ram ? GUEST_RAM : GUEST_PMEM);
		add_region(gpa(p->start + p->writable_size), p->size - p->writable_size,
			   p->host + p->writable_size, GUEST_PMEM_READONLY);
	}
	backing = (struct pmem_backing){
		.path = "file",
		.fd = FILE_FD,
		.file_size = MACHINE_PMEM_FILE_SIZE,
		.size = MACHINE_PMEM_SIZE,
		.writable_size = disk->writable_size,
		.host = disk->host,
		.readonly = file == MACHINE_READONLY,
		.share = file != MACHINE_PRIVATE,
	};
}

void machine_start(enum machine_file file)
{
	static const int doorbell = DOORBELL_FD;

	log_set_level(LOG_LEVEL_ERROR);
	loop_reset();
	memset(&model, 0, sizeof(model));
	edges = failures = 0;
	lay_out(file);
	pmem_init(&pmem, "fuzz", &backing, gpa(MACHINE_PMEM), &loop, &memory);
	pmem.ops = &pmem_ops;
	memset(registers, 0, sizeof(registers));
	virtio_mmio_init(&mmio, &pmem.virtio, &loop, &line, &doorbell, registers);
	virtio_mmio_start(&mmio);
	check_step();
}

uint32_t machine_read(uint64_t offset)
{
	return registers[offset / 4];
}

void machine_write(uint64_t offset, unsigned size, uint64_t value)
{
	uint32_t status = mmio.status, queue = mmio.queue_sel;

	virtio_mmio_write(&mmio, offset, size, value);
	if (size == 4)
		model_write(offset, (uint32_t)value, status, queue);
	check_step();
}

void machine_doorbell(void)
{
	loop_finish(LOOP_READ, sizeof(eventfd_t));
	model_kick();
	check_step();
	check_memory();
}

/* Part of a store, which stays within one page, hence within one region. */
static void store_piece(uint64_t addr, const uint8_t *data, unsigned len)
{
	uint64_t at = addr - MACHINE_PMEM;
	uint8_t *copy = find_memory(addr, len, true, false);

	for (unsigned i = 0; copy && i < PIECES; i++)
		if (copy >= pieces[i].copy && copy < pieces[i].copy + pieces[i].size)
			memcpy(pieces[i].host + (copy - pieces[i].copy), data, len);
	if (copy) {
		memcpy(copy, data, len);
		return;
	}
	if (at >= MACHINE_PMEM_SIZE)
		return;
	/* The memslot is read-only there. */
	pmem_store(&pmem, at, data, len);
	for (unsigned i = 0; i < len; i++) {
		if (backing.readonly || at + i >= MACHINE_PMEM_FILE_SIZE)
			model.error_pending = true;
		else
			pieces[PMEM].copy[at + i] = data[i];
	}
}

void machine_store(uint64_t addr, const void *data, unsigned len)
{
	const uint8_t *bytes = data;

	/* As KVM brings them to us: at most 8 bytes, none over the end of a page. */
	while (len) {
		uint64_t page = 0x1000 - (addr & 0xfff);
		unsigned n = len < 8 ? len : 8;

		if (n > page)
			n = (unsigned)page;
		store_piece(addr, bytes, n);
		addr += n;
		bytes += n;
		len -= n;
	}
	check_step();
}

void machine_sync_done(int result)
{
	const struct loop_op *sync = loop_find(LOOP_FDATASYNC);

	if (!sync)
		return;
	fuzz_check(sync->fd == FILE_FD);
	loop_finish(LOOP_FDATASYNC, result);
	model.syncing = false;
	if (result < 0)
		model.error_pending = true;
	fuzz_check(failures == (result < 0));
	failures = 0;
	model_answer_covered();
	model_begin_sync();
	check_step();
	check_memory();
}

void machine_stop(void)
{
	while (model.syncing)
		machine_sync_done(0);
	check_memory();
}

static void write_register(uint64_t offset, uint32_t value)
{
	machine_write(offset, 4, value);
}

void machine_negotiate(void)
{
	write_register(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	write_register(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	write_register(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write_register(VIRTIO_MMIO_DRIVER_FEATURES, 1U << (VIRTIO_F_VERSION_1 - 32));
	write_register(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
						   VIRTIO_CONFIG_S_FEATURES_OK);
}

void machine_ring(unsigned size, uint64_t desc, uint64_t avail, uint64_t used)
{
	write_register(VIRTIO_MMIO_QUEUE_SEL, 0);
	write_register(VIRTIO_MMIO_QUEUE_NUM, size);
	write_register(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)desc);
	write_register(VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(desc >> 32));
	write_register(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)avail);
	write_register(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(avail >> 32));
	write_register(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)used);
	write_register(VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(used >> 32));
	write_register(VIRTIO_MMIO_QUEUE_READY, 1);
}

void machine_driver_ok(void)
{
	write_register(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
						   VIRTIO_CONFIG_S_FEATURES_OK |
						   VIRTIO_CONFIG_S_DRIVER_OK);
}

void machine_descriptor(unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	const struct descriptor d = {
		.addr = host_to_le64(addr),
		.len = host_to_le32(len),
		.flags = host_to_le16(flags),
		.next = host_to_le16(next),
	};

	machine_store(pmem.queue.setup.desc + 16ULL * i, &d, sizeof(d));
}

void machine_offer(uint16_t head)
{
	uint64_t avail = pmem.queue.setup.driver;
	uint16_t size = pmem.queue.setup.size, idx;
	__le16 wire = host_to_le16(head);

	if (!size || !find_memory(avail + 2, 2, true, true))
		return;
	idx = get16(avail + 2);
	machine_store(avail + 4 + 2ULL * (idx % size), &wire, sizeof(wire));
	wire = host_to_le16((uint16_t)(idx + 1));
	machine_store(avail + 2, &wire, sizeof(wire));
}
