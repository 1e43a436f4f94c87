// SPDX-License-Identifier: Apache-2.0
/* The split ring against a driver that breaks every rule. Start reading at chain_cases. */
#include "devices/virtio/virtqueue.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <asm/processor-flags.h>
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

TestSuite(virtqueue, .timeout = 10);

/* RAM, pmem and read-only pmem touch each other; behind them is nothing, then a huge region. */
#define RAM_END 0x100000ULL
#define PMEM RAM_END
#define PMEM_END (PMEM + 0x10000)
#define READONLY PMEM_END
#define READONLY_END (READONLY + 0x10000)
#define HUGE_AT 0x100000000ULL
#define HUGE_SIZE (16ULL << 30)

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

static uint8_t ram[RAM_END] __attribute__((aligned(4096)));
static uint8_t pmem[0x20000] __attribute__((aligned(4096)));
static struct guest_memory mem;
static struct virtqueue vq;
static struct driver_ring ring;
static struct virtqueue_chain chain;

static void setup_memory(void)
{
	void *huge = mmap(NULL, HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);

	cr_assert(huge != MAP_FAILED);
	guest_memory_add(&mem, gpa(0), RAM_END, ram, GUEST_RAM);
	guest_memory_add(&mem, gpa(PMEM), PMEM_END - PMEM, pmem, GUEST_PMEM);
	guest_memory_add(&mem, gpa(READONLY), READONLY_END - READONLY, pmem + 0x10000,
			 GUEST_PMEM_READONLY);
	guest_memory_add(&mem, gpa(HUGE_AT), HUGE_SIZE, huge, GUEST_PMEM);
	virtqueue_init(&vq, &mem);
}

static void enable(uint16_t size)
{
	driver_ring_init(&ring, ram, 0x10000, size);
	vq.setup = (struct virtqueue_setup){ size, ring.desc_at, ring.avail_at, ring.used_at };
	check_eq(virtqueue_enable(&vq), 0);
}

static void start(uint16_t size)
{
	setup_memory();
	enable(size);
}

static int pop(const char **ret_why)
{
	*ret_why = "";
	return virtqueue_pop(&vq, &chain, ret_why);
}

static void expect_broken(const char *expected_why, const char *name)
{
	const char *why;

	check_eq(pop(&why), -EPROTO, "%s", name);
	cr_assert(strstr(why, expected_why), "%s: '%s' instead of '%s'", name, why, expected_why);
}

static void expect_pop(uint16_t head)
{
	const char *why;

	check_eq(pop(&why), 1, "%s", why);
	check_eq(chain.head, head);
}

static void expect_empty(void)
{
	const char *why;

	check_eq(pop(&why), 0);
}

/*
 * bad input: Setup: the size of a queue is 0, not a power of two, or above the maximum -> the
 * queue does not become ready
 * bad input: Setup: the descriptor table is not aligned to 16 bytes, the available ring not to 2,
 * or the used ring not to 4 -> the queue does not become ready
 * bad input: Setup: one of the three rings is outside of RAM, at the top of the address space, or
 * in pmem -> the queue does not become ready
 * bad input: Setup: one of the three rings begins in RAM and ends in the pmem right behind it ->
 * the queue does not become ready; a ring that ends exactly where RAM ends is accepted
 */
Test(virtqueue, setup)
{
	const uint64_t d = 0x1000, a = 0x3000, u = 0x5000;
	static const uint64_t desc_len = 16 * 8, avail_len = 4 + 2 * 8, used_len = 4 + 8 * 8;
	const struct {
		const char *name;
		uint16_t size;
		uint64_t desc, driver, device;
		int ret;
	} cases[] = {
		{ "plain", 8, d, a, u, 0 },
		{ "size 1", 1, d, a, u, 0 },
		{ "size at the maximum", 256, d, a, u, 0 },
		{ "size 0", 0, d, a, u, -EINVAL },
		{ "size no power of two", 12, d, a, u, -EINVAL },
		{ "size no power of two, odd", 255, d, a, u, -EINVAL },
		{ "size above the maximum", 512, d, a, u, -EINVAL },
		{ "size far above the maximum", 32768, d, a, u, -EINVAL },
		{ "desc misaligned by 1", 8, d + 1, a, u, -EINVAL },
		{ "desc misaligned by 8", 8, d + 8, a, u, -EINVAL },
		{ "avail misaligned by 1", 8, d, a + 1, u, -EINVAL },
		{ "avail aligned to 2", 8, d, a + 2, u, 0 },
		{ "used misaligned by 1", 8, d, a, u + 1, -EINVAL },
		{ "used misaligned by 2", 8, d, a, u + 2, -EINVAL },
		{ "used aligned to 4", 8, d, a, u + 4, 0 },
		{ "desc in pmem", 8, PMEM, a, u, -EINVAL },
		{ "avail in pmem", 8, d, PMEM, u, -EINVAL },
		{ "used in pmem", 8, d, a, PMEM, -EINVAL },
		{ "used in read-only pmem", 8, d, a, READONLY, -EINVAL },
		{ "desc outside", 8, READONLY_END, a, u, -EINVAL },
		{ "avail outside", 8, d, READONLY_END, u, -EINVAL },
		{ "used outside", 8, d, a, READONLY_END, -EINVAL },
		{ "desc at the top", 8, -16ULL, a, u, -EINVAL },
		{ "avail at the top", 8, d, -2ULL, u, -EINVAL },
		{ "used at the top", 8, d, a, -4ULL, -EINVAL },
		{ "desc ends with RAM", 8, RAM_END - desc_len, a, u, 0 },
		{ "desc into pmem", 8, RAM_END - desc_len + 16, a, u, -EINVAL },
		{ "avail ends with RAM", 8, d, RAM_END - avail_len, u, 0 },
		{ "avail into pmem", 8, d, RAM_END - avail_len + 2, u, -EINVAL },
		{ "used ends with RAM", 8, d, a, RAM_END - used_len, 0 },
		{ "used into pmem", 8, d, a, RAM_END - used_len + 4, -EINVAL },
	};

	setup_memory();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		vq.setup = (struct virtqueue_setup){ cases[i].size, cases[i].desc, cases[i].driver,
						     cases[i].device };
		check_eq(virtqueue_enable(&vq), cases[i].ret, "%s", cases[i].name);
		check_eq(vq.ready, cases[i].ret == 0, "%s", cases[i].name);
		check_eq(vq.setup.desc, cases[i].desc, "%s", cases[i].name);
		virtqueue_disable(&vq);
		check_eq(vq.ready, false);
	}
}

/*
 * bad input: Setup: one of the three rings extends beyond the end of RAM -> the queue does not
 * become ready
 */
Test(virtqueue, ring_across_the_end_of_the_last_ram)
{
	struct guest_memory small = { 0 };

	guest_memory_add(&small, gpa(0), 0x8000, ram, GUEST_RAM);
	virtqueue_init(&vq, &small);
	vq.setup = (struct virtqueue_setup){ 8, 0x7ff0, 0x1000, 0x2000 };
	check_eq(virtqueue_enable(&vq), -EINVAL);
	vq.setup = (struct virtqueue_setup){ 8, 0, 0x7ffe, 0x2000 };
	check_eq(virtqueue_enable(&vq), -EINVAL);
	vq.setup = (struct virtqueue_setup){ 8, 0, 0x1000, 0x7ffc };
	check_eq(virtqueue_enable(&vq), -EINVAL);
	vq.setup = (struct virtqueue_setup){ 8, 0x8000 - 128, 0x1000, 0x2000 };
	check_eq(virtqueue_enable(&vq), 0);
}

struct chain_case {
	const char *name;
	uint16_t head;
	const char *why; /* NULL: valid, with the next two */
	uint16_t n_readable, n_writable;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc[8];
};

static const struct chain_case chain_cases[] = {
	/* A ring of 8; descriptors that are left out are zero. */
	{ "one readable", 0, NULL, 1, 0, { { 0, 4, 0, 0 } } },
	{ "one writable", 0, NULL, 0, 1, { { 0, 4, WRITE, 0 } } },
	{ "next is ignored without NEXT", 0, NULL, 1, 0, { { 0, 4, 0, 99 } } },
	{ "from the last descriptor on",
	  7,
	  NULL,
	  1,
	  1,
	  { [7] = { 0, 4, NEXT, 2 }, [2] = { 8, 4, WRITE, 0 } } },
	{ "as long as the queue",
	  0,
	  NULL,
	  4,
	  4,
	  { { 0, 1, NEXT, 1 },
	    { 0, 1, NEXT, 2 },
	    { 0, 1, NEXT, 3 },
	    { 0, 1, NEXT, 4 },
	    { 0, 1, NEXT | WRITE, 5 },
	    { 0, 1, NEXT | WRITE, 6 },
	    { 0, 1, NEXT | WRITE, 7 },
	    { 0, 1, WRITE, 0 } } },

	{ "head is the size", 8, "avail entry", 0, 0, { { 0 } } },
	{ "head is large", 0xffff, "avail entry", 0, 0, { { 0 } } },
	{ "next is the size", 0, "next descriptor", 0, 0, { { 0, 4, NEXT, 8 } } },
	{ "next is large", 0, "next descriptor", 0, 0, { { 0, 4, NEXT, 0xffff } } },
	{ "loop of one", 0, "longer than the queue", 0, 0, { { 0, 4, NEXT, 0 } } },
	{ "loop of two",
	  0,
	  "longer than the queue",
	  0,
	  0,
	  { { 0, 4, NEXT, 1 }, { 0, 4, NEXT, 0 } } },
	{ "loop back to the middle, writable",
	  0,
	  "longer than the queue",
	  0,
	  0,
	  { { 0, 4, NEXT, 1 }, { 0, 4, NEXT | WRITE, 2 }, { 0, 4, NEXT | WRITE, 1 } } },
	{ "loop of empty ones",
	  0,
	  "longer than the queue",
	  0,
	  0,
	  { { 0, 0, NEXT, 1 }, { 0, 0, NEXT, 0 } } },
	{ "indirect", 0, "indirect", 0, 0, { { 0, 16, INDIRECT, 0 } } },
	{ "indirect and WRITE", 0, "indirect", 0, 0, { { 0, 16, INDIRECT | WRITE, 0 } } },
	{ "indirect and NEXT", 0, "indirect", 0, 0, { { 0, 16, INDIRECT | NEXT, 1 } } },
	{ "indirect, odd length", 0, "indirect", 0, 0, { { 0, 17, INDIRECT, 0 } } },
	{ "indirect, empty", 0, "indirect", 0, 0, { { 0, 0, INDIRECT, 0 } } },
	{ "indirect behind a good one",
	  0,
	  "indirect",
	  0,
	  0,
	  { { 0, 4, NEXT, 1 }, { 0, 16, INDIRECT, 0 } } },
	{ "readable behind writable",
	  0,
	  "behind a writable",
	  0,
	  0,
	  { { 0, 4, NEXT | WRITE, 1 }, { 0, 4, 0, 0 } } },
	{ "empty readable behind writable",
	  0,
	  "behind a writable",
	  0,
	  0,
	  { { 0, 4, NEXT | WRITE, 1 }, { 0, 0, 0, 0 } } },

	{ "first byte of RAM", 0, NULL, 1, 0, { { 0, 1, 0, 0 } } },
	{ "last byte of RAM", 0, NULL, 1, 0, { { RAM_END - 1, 1, 0, 0 } } },
	{ "from RAM into pmem", 0, "outside of guest memory", 0, 0, { { RAM_END - 1, 2, 0, 0 } } },
	{ "first byte of pmem, to write", 0, NULL, 0, 1, { { PMEM, 1, WRITE, 0 } } },
	{ "last byte of pmem, to write", 0, NULL, 0, 1, { { PMEM_END - 1, 1, WRITE, 0 } } },
	{ "from pmem into read-only",
	  0,
	  "outside of writable",
	  0,
	  0,
	  { { PMEM_END - 1, 2, WRITE, 0 } } },
	{ "first byte of read-only, to write",
	  0,
	  "outside of writable",
	  0,
	  0,
	  { { READONLY, 1, WRITE, 0 } } },
	{ "last byte of read-only, to write",
	  0,
	  "outside of writable",
	  0,
	  0,
	  { { READONLY_END - 1, 1, WRITE, 0 } } },
	{ "last byte of read-only, to read", 0, NULL, 1, 0, { { READONLY_END - 1, 1, 0, 0 } } },
	{ "behind the last region",
	  0,
	  "outside of guest memory",
	  0,
	  0,
	  { { READONLY_END, 1, 0, 0 } } },
	{ "across the last byte",
	  0,
	  "outside of guest memory",
	  0,
	  0,
	  { { READONLY_END - 1, 2, 0, 0 } } },
	{ "address and length wrap",
	  0,
	  "outside of guest memory",
	  0,
	  0,
	  { { UINT64_MAX - 3, 8, 0, 0 } } },
	{ "address and length wrap, to write",
	  0,
	  "outside of writable",
	  0,
	  0,
	  { { UINT64_MAX, 0xffffffff, WRITE, 0 } } },
	{ "the second of two is outside",
	  0,
	  "outside of writable",
	  0,
	  0,
	  { { 0, 4, NEXT, 1 }, { READONLY_END, 4, WRITE, 0 } } },
	{ "empty ones may be anywhere",
	  0,
	  NULL,
	  2,
	  1,
	  { { UINT64_MAX, 0, NEXT, 1 }, { 0, 4, NEXT, 2 }, { READONLY, 0, WRITE, 0 } } },

	{ "4 GiB less one to read, in two",
	  0,
	  NULL,
	  2,
	  0,
	  { { HUGE_AT, 0xfffffffe, NEXT, 1 }, { HUGE_AT, 1, 0, 0 } } },
	{ "4 GiB to read",
	  0,
	  "more than 4 GiB",
	  0,
	  0,
	  { { HUGE_AT, 0xffffffff, NEXT, 1 }, { HUGE_AT, 1, 0, 0 } } },
	{ "8 GiB to write",
	  0,
	  "more than 4 GiB",
	  0,
	  0,
	  { { HUGE_AT, 0xffffffff, NEXT | WRITE, 1 }, { HUGE_AT, 0xffffffff, WRITE, 0 } } },
};

/*
 * bad input: Ring: the head of a chain is the queue's size or more -> DEVICE_NEEDS_RESET
 * bad input: Ring: the next field of a descriptor is the queue's size or more ->
 * DEVICE_NEEDS_RESET
 * bad input: Ring: a chain of descriptors loops, also one whose descriptors are empty ->
 * DEVICE_NEEDS_RESET after as many steps as the queue has descriptors
 * bad input: Ring: an indirect descriptor that was not negotiated: its table has an odd length, is
 * empty, is within a chain, or comes with the flag NEXT or WRITE -> DEVICE_NEEDS_RESET, and the
 * table is not read
 * bad input: Ring: a descriptor with a length of 0, at any address -> the descriptor is skipped
 * bad input: Buffers: buffers that begin at the first byte of RAM or pmem, or end at its last one
 * -> these are accepted
 * bad input: Buffers: a buffer that extends from one region of memory into the next, extends
 * beyond the last one, or is where no memory is -> DEVICE_NEEDS_RESET
 * bad input: Buffers: a buffer whose address plus length wraps around -> DEVICE_NEEDS_RESET
 * bad input: Buffers: buffers of one chain whose lengths add up to 4 GiB or more ->
 * DEVICE_NEEDS_RESET
 * bad input: Buffers: a readable descriptor behind a writable one -> DEVICE_NEEDS_RESET
 * bad input: Buffers: a writable buffer in the memory of a read-only pmem device ->
 * DEVICE_NEEDS_RESET
 */
Test(virtqueue, chains)
{
	setup_memory();
	for (size_t i = 0; i < ARRAY_SIZE(chain_cases); i++) {
		const struct chain_case *c = &chain_cases[i];
		const char *why;

		enable(8);
		for (uint16_t n = 0; n < 8; n++)
			driver_ring_desc(&ring, n, c->desc[n].addr, c->desc[n].len,
					 c->desc[n].flags, c->desc[n].next);
		driver_ring_offer(&ring, c->head);
		if (c->why) {
			expect_broken(c->why, c->name);
			/* What was not taken is not in flight. */
			expect_broken(c->why, c->name);
			continue;
		}
		check_eq(pop(&why), 1, "%s: %s", c->name, why);
		check_eq(chain.head, c->head, "%s", c->name);
		check_eq(chain.n_readable, c->n_readable, "%s", c->name);
		check_eq(chain.n_writable, c->n_writable, "%s", c->name);
		check_eq(pop(&why), 0, "%s", c->name);
	}
}

/* The copy has room for a queue's worth of buffers, and nothing is written behind it. */
/*
 * bad input: Ring: a chain in a queue of the largest size loops, and so has no end ->
 * DEVICE_NEEDS_RESET, and nothing is written behind the copy of the chain
 */
Test(virtqueue, loop_in_the_largest_queue)
{
	struct {
		struct virtqueue_chain chain;
		uint8_t behind[8192];
	} *s = calloc(1, sizeof(*s));
	const char *why;

	start(VIRTQUEUE_MAX_SIZE);
	for (unsigned i = 0; i < VIRTQUEUE_MAX_SIZE; i++)
		driver_ring_desc(&ring, (uint16_t)i, 0x100, 1, NEXT,
				 (uint16_t)((i + 1) % VIRTQUEUE_MAX_SIZE));
	driver_ring_offer(&ring, 0);
	check_eq(virtqueue_pop(&vq, &s->chain, &why), -EPROTO);
	for (size_t i = 0; i < sizeof(s->behind); i++)
		check_eq(s->behind[i], 0);
	/* The longest that is none. */
	ring.desc[VIRTQUEUE_MAX_SIZE - 1].flags = 0;
	check_eq(virtqueue_pop(&vq, &s->chain, &why), 1);
	check_eq(s->chain.n_readable, VIRTQUEUE_MAX_SIZE);
	free(s);
}

Test(virtqueue, has_nothing_while_memory_is_saved)
{
	start(4);
	driver_ring_desc(&ring, 0, 0x8000, 4, 0, 0);
	driver_ring_offer(&ring, 0);
	mem.frozen = true;
	expect_empty();
	mem.frozen = false;
	expect_pop(0);
}

Test(virtqueue, chain_is_copied_with_its_lengths)
{
	start(8);
	driver_ring_desc(&ring, 0, 0x100, 3, NEXT, 4);
	driver_ring_desc(&ring, 4, 0x200, 5, NEXT, 2);
	driver_ring_desc(&ring, 2, 0x300, 7, WRITE, 0);
	driver_ring_offer(&ring, 0);
	expect_pop(0);
	check_eq(chain.readable_len, 8);
	check_eq(chain.writable_len, 7);
	check_eq(chain.buffers[0].addr.value, 0x100);
	check_eq(chain.buffers[1].addr.value, 0x200);
	check_eq(chain.buffers[1].len, 5);
	check_eq(chain.buffers[2].addr.value, 0x300);
	check_eq(chain.buffers[2].len, 7);
	/* The next chain starts from zero. */
	driver_ring_offer(&ring, 2);
	expect_pop(2);
	check_eq(chain.readable_len, 0);
	check_eq(chain.writable_len, 7);
}

/*
 * bad input: Ring: the index of the available ring moves on by more than the queue's size, or
 * moves backwards -> DEVICE_NEEDS_RESET
 */
Test(virtqueue, avail_index_jumps)
{
	static const struct {
		const char *name;
		uint16_t taken, idx;
		bool valid;
	} cases[] = {
		{ "by the size", 0, 8, true },
		{ "by one more than the size", 0, 9, false },
		{ "by half the range", 0, 0x8000, false },
		{ "backwards from the start", 0, 0xffff, false },
		{ "backwards", 3, 2, false },
		{ "back to the start", 3, 0, false },
		{ "by the size, later", 3, 11, true },
		{ "by more than the size, later", 3, 12, false },
	};

	setup_memory();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why;

		enable(8);
		for (uint16_t n = 0; n < 8; n++)
			ring.avail->ring[n] = htole16(n);
		ring.avail->idx = htole16(cases[i].taken);
		for (uint16_t n = 0; n < cases[i].taken; n++) {
			expect_pop(n);
			virtqueue_push(&vq, n, 0);
		}
		ring.avail->idx = htole16(cases[i].idx);
		if (cases[i].valid)
			check_eq(pop(&why), 1, "%s: %s", cases[i].name, why);
		else
			expect_broken("avail index", cases[i].name);
	}
}

/*
 * bad input: Ring: the indices of the available and the used ring wrap at 65536 -> every request is
 * served once
 */
Test(virtqueue, indices_wrap_at_65536)
{
	start(8);
	for (uint32_t n = 0; n < 65536 + 20; n++) {
		uint16_t head = (uint16_t)(n * 3 % 8);

		expect_empty();
		driver_ring_offer(&ring, head);
		expect_pop(head);
		virtqueue_push(&vq, head, n);
		check_eq(ring.used->idx, htole16((uint16_t)(n + 1)));
		check_eq(ring.used->ring[n % 8].id, htole32(head));
		check_eq(ring.used->ring[n % 8].len, htole32(n));
	}
}

Test(virtqueue, full_ring_across_the_wrap)
{
	start(8);
	ring.avail->idx = htole16(0xfffc);
	vq.last_avail = 0xfffc;
	for (uint16_t n = 0; n < 8; n++)
		driver_ring_offer(&ring, n);
	check_eq(ring.avail->idx, htole16(4));
	for (uint16_t n = 0; n < 8; n++)
		expect_pop(n);
	expect_empty();
}

/* bad input: Ring: the driver offers a chain again while it is in flight -> DEVICE_NEEDS_RESET */
Test(virtqueue, head_offered_again_while_in_flight)
{
	static const uint16_t heads[] = { 0, 63, 64, 127, 128, 255 };

	setup_memory();
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		enable(256);
		driver_ring_offer(&ring, heads[i]);
		expect_pop(heads[i]);
		driver_ring_offer(&ring, heads[i]);
		expect_broken("in flight", "twice");
		virtqueue_push(&vq, heads[i], 0);
		expect_pop(heads[i]);
	}
}

Test(virtqueue, push_gives_back_no_other_head)
{
	start(256);
	for (uint16_t head = 64; head <= 66; head++) {
		driver_ring_offer(&ring, head);
		expect_pop(head);
	}
	virtqueue_push(&vq, 65, 0);
	driver_ring_offer(&ring, 66);
	expect_broken("in flight", "66 is still in flight");
}

Test(virtqueue, no_more_in_flight_than_the_size)
{
	start(256);
	for (unsigned n = 0; n < 256; n++) {
		driver_ring_offer(&ring, (uint16_t)n);
		expect_pop((uint16_t)n);
	}
	driver_ring_offer(&ring, 17);
	expect_broken("in flight", "257th");
}

Test(virtqueue, disable_forgets_what_is_in_flight)
{
	start(8);
	driver_ring_offer(&ring, 5);
	expect_pop(5);
	virtqueue_push(&vq, 5, 0);
	driver_ring_offer(&ring, 5);
	expect_pop(5);
	virtqueue_disable(&vq);
	check_eq(vq.ready, false);
	check_eq(vq.setup.size, 8);
	enable(8);
	driver_ring_offer(&ring, 5);
	expect_pop(5);
	/* The used ring begins at its first entry again. */
	virtqueue_push(&vq, 5, 3);
	check_eq(ring.used->idx, htole16(1));
	check_eq(ring.used->ring[0].len, htole32(3));
}

Test(virtqueue, reset_forgets_the_setup)
{
	start(8);
	virtqueue_reset(&vq);
	check_eq(vq.ready, false);
	check_eq(vq.setup.size, 0);
	check_eq(vq.setup.desc, 0);
	cr_assert(vq.mem == &mem);
	check_eq(virtqueue_enable(&vq), -EINVAL);
}

Test(virtqueue, read_joins_buffers)
{
	uint8_t out[16];

	start(8);
	memcpy(ram + 0x100, "abcdefgh", 8);
	driver_ring_desc(&ring, 0, 0x100, 1, NEXT, 1);
	driver_ring_desc(&ring, 1, UINT64_MAX, 0, NEXT, 2);
	driver_ring_desc(&ring, 2, 0x101, 2, NEXT, 3);
	driver_ring_desc(&ring, 3, 0x103, 5, NEXT, 4);
	driver_ring_desc(&ring, 4, 0x200, 8, WRITE, 0);
	driver_ring_offer(&ring, 0);
	expect_pop(0);
	for (uint32_t at = 0; at <= 9; at++) {
		for (uint32_t len = 0; len <= sizeof(out); len++) {
			uint32_t left = at < 8 ? 8 - at : 0, expected = len < left ? len : left;

			memset(out, '.', sizeof(out));
			check_eq(virtqueue_chain_read(&vq, &chain, at, out, len), (int)expected);
			cr_assert(memcmp(out, &"abcdefgh"[8 - left], expected) == 0);
			if (len < sizeof(out))
				check_eq(out[expected], '.');
		}
	}
}

Test(virtqueue, read_does_not_touch_writable_buffers)
{
	uint8_t out[4] = { 0 };

	start(8);
	driver_ring_desc(&ring, 0, 0x200, 8, WRITE, 0);
	driver_ring_offer(&ring, 0);
	expect_pop(0);
	check_eq(virtqueue_chain_read(&vq, &chain, 0, out, 4), 0);
}

Test(virtqueue, write_splits_over_buffers)
{
	start(8);
	driver_ring_desc(&ring, 0, 0x200, 8, NEXT, 1);
	driver_ring_desc(&ring, 1, 0x100, 1, NEXT | WRITE, 2);
	driver_ring_desc(&ring, 2, UINT64_MAX, 0, NEXT | WRITE, 3);
	driver_ring_desc(&ring, 3, 0x110, 2, NEXT | WRITE, 4);
	driver_ring_desc(&ring, 4, 0x120, 5, WRITE, 0);
	driver_ring_offer(&ring, 0);
	expect_pop(0);
	for (uint32_t at = 0; at <= 9; at++) {
		for (uint32_t len = 0; len <= 10; len++) {
			uint32_t left = at < 8 ? 8 - at : 0, expected = len < left ? len : left;
			uint8_t joined[8], wanted[8];

			memset(ram + 0x100, '.', 0x108);
			check_eq(virtqueue_chain_write(&vq, &chain, at, "abcdefghij", len),
				 (int)expected);
			memcpy(joined, ram + 0x100, 1);
			memcpy(joined + 1, ram + 0x110, 2);
			memcpy(joined + 3, ram + 0x120, 5);
			memset(wanted, '.', sizeof(wanted));
			memcpy(wanted + 8 - left, "abcdefgh", expected);
			cr_assert(memcmp(joined, wanted, 8) == 0, "%u bytes at %u", len, at);
			check_eq(ram[0x101], '.');
			check_eq(ram[0x112], '.');
			check_eq(ram[0x125], '.');
			check_eq(ram[0x200], '.', "a readable buffer");
		}
	}
}

Test(virtqueue, wants_interrupt)
{
	start(8);
	check_eq(virtqueue_wants_interrupt(&vq), true);
	ring.avail->flags = htole16(VRING_AVAIL_F_NO_INTERRUPT);
	check_eq(virtqueue_wants_interrupt(&vq), false);
	ring.avail->flags = htole16((uint16_t)~VRING_AVAIL_F_NO_INTERRUPT);
	check_eq(virtqueue_wants_interrupt(&vq), true);
	/* used_event, behind the ring, has no meaning: EVENT_IDX is not offered. */
	ring.avail->ring[8] = htole16(0x1234);
	ring.avail->flags = 0;
	check_eq(virtqueue_wants_interrupt(&vq), true);
}

/* Another vCPU turns a good descriptor into a bad one and back while the ring is read. */
static void *rewrite_ring(void *arg)
{
	const bool *stop = arg;
	struct vring_desc *d = &ring.desc[0];

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(&d->len, 0xfffffff0, __ATOMIC_RELAXED);
		__atomic_store_n(&d->addr, htole64(READONLY_END), __ATOMIC_RELAXED);
		__atomic_store_n(&d->flags, NEXT | WRITE, __ATOMIC_RELAXED);
		__atomic_store_n(&d->next, 200, __ATOMIC_RELAXED);
		__atomic_store_n(&ring.avail->ring[0], 300, __ATOMIC_RELAXED);
		__atomic_store_n(&d->len, 4, __ATOMIC_RELAXED);
		__atomic_store_n(&d->addr, htole64(0x100), __ATOMIC_RELAXED);
		__atomic_store_n(&d->flags, NEXT, __ATOMIC_RELAXED);
		__atomic_store_n(&d->next, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&ring.avail->ring[0], 0, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void check_chain(void)
{
	uint32_t readable = 0, writable = 0;

	cr_assert(chain.head < 8);
	cr_assert(chain.n_readable + chain.n_writable <= 8);
	for (unsigned i = 0; i < chain.n_readable + chain.n_writable; i++) {
		const struct virtqueue_buffer *b = &chain.buffers[i];
		bool is_writable = i >= chain.n_readable;

		*(is_writable ? &writable : &readable) += b->len;
		cr_assert(!b->len || guest_memory_valid(&mem, b->addr, b->len, is_writable, NULL),
			  "0x%lx, %u bytes", b->addr.value, b->len);
	}
	check_eq(readable, chain.readable_len);
	check_eq(writable, chain.writable_len);
}

/*
 * bad input: Ring: another vCPU rewrites the descriptors while the device reads them -> each field
 * is fetched once, so the device has a checked copy, or DEVICE_NEEDS_RESET
 */
Test(virtqueue, ring_rewritten_while_it_is_read)
{
	unsigned good = 0, bad = 0;
	bool stop = false;
	pthread_t thread;

	start(8);
	driver_ring_desc(&ring, 1, 0x200, 4, WRITE, 0);
	check_eq(pthread_create(&thread, NULL, rewrite_ring, &stop), 0);
	/* Both outcomes must have been seen for this to mean something. */
	for (unsigned n = 0; n < 100000 || ((!good || !bad) && n < 50000000); n++) {
		const char *why;
		int ret;

		check_eq(virtqueue_enable(&vq), 0);
		__atomic_store_n(&ring.avail->idx, 1, __ATOMIC_RELAXED);
		ret = pop(&why);
		if (ret == 1) {
			check_chain();
			good++;
		} else {
			check_eq(ret, -EPROTO);
			bad++;
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_assert(good && bad, "%u good, %u bad", good, bad);
}

/* How often each byte of the descriptors' and the available ring's pages is read. */
#define WATCHED 0x2000
static unsigned reads[WATCHED];
static uint8_t *watched;

static void watch(bool on)
{
	mprotect(watched, WATCHED, on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

/* Counts the access, and lets this one instruction make it. */
static void count_access(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	reads[(uint8_t *)info->si_addr - watched]++;
	watch(false);
	uc->uc_mcontext.gregs[REG_EFL] |= X86_EFLAGS_TF;
}

static void watch_again(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	watch(true);
	uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)X86_EFLAGS_TF;
}

static unsigned reads_of(const volatile void *member)
{
	return reads[(const volatile uint8_t *)member - watched];
}

/*
 * bad input: Ring: descriptors and the available ring would change if they were read a second time
 * -> there is no second read: each field is fetched once
 */
Test(virtqueue, each_member_is_fetched_once)
{
	struct sigaction access = { .sa_sigaction = count_access, .sa_flags = SA_SIGINFO };
	struct sigaction step = { .sa_sigaction = watch_again, .sa_flags = SA_SIGINFO };
	const char *why = "";
	int ret;

	start(8);
	for (uint16_t i = 0; i < 3; i++)
		driver_ring_desc(&ring, i, 0x100, 4, i == 2 ? WRITE : NEXT, (uint16_t)(i + 1));
	driver_ring_offer(&ring, 0);
	watched = ram + 0x10000;
	cr_assert((uint8_t *)ring.desc == watched && (uint8_t *)ring.avail == watched + 0x1000);
	sigaction(SIGSEGV, &access, NULL);
	sigaction(SIGTRAP, &step, NULL);
	watch(true);
	ret = virtqueue_pop(&vq, &chain, &why);
	watch(false);
	check_eq(ret, 1, "%s", why);
	check_eq(reads_of(&ring.avail->idx), 1);
	check_eq(reads_of(&ring.avail->ring[0]), 1);
	for (unsigned i = 0; i < 3; i++) {
		check_eq(reads_of(&ring.desc[i].addr), 1, "descriptor %u", i);
		check_eq(reads_of(&ring.desc[i].len), 1, "descriptor %u", i);
		check_eq(reads_of(&ring.desc[i].flags), 1, "descriptor %u", i);
		check_eq(reads_of(&ring.desc[i].next), 1, "descriptor %u", i);
	}
}

#define PUSHES 200000

/* A driver that takes used entries at once, as one that polls does. */
static void *poll_used(void *arg)
{
	unsigned *wrong = arg;

	for (unsigned n = 0; n < PUSHES;) {
		if (__atomic_load_n(&ring.used->idx, __ATOMIC_ACQUIRE) == (uint16_t)n) {
			sched_yield();
			continue;
		}
		for (; __atomic_load_n(&ring.used->idx, __ATOMIC_ACQUIRE) != (uint16_t)n; n++) {
			const struct vring_used_elem *e = &ring.used->ring[n % 256];

			*wrong += e->id != n % 256 || e->len != n;
			__atomic_store_n(&ring.avail->flags, (uint16_t)n, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

Test(virtqueue, used_entry_is_written_before_the_index)
{
	unsigned wrong = 0;
	pthread_t thread;

	start(256);
	check_eq(pthread_create(&thread, NULL, poll_used, &wrong), 0);
	for (unsigned n = 0; n < PUSHES; n++) {
		/* Never more than the ring holds ahead of the reader. */
		while ((uint16_t)(n - __atomic_load_n(&ring.avail->flags, __ATOMIC_ACQUIRE)) > 200)
			sched_yield();
		virtqueue_push(&vq, (uint16_t)(n % 256), n);
	}
	pthread_join(thread, NULL);
	check_eq(wrong, 0);
}
