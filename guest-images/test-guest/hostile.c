// SPDX-License-Identifier: Apache-2.0
/*
 * The tests in which the driver misbehaves. After each the device must be as the specification
 * says (most faults: DEVICE_NEEDS_RESET and a configuration interrupt, section 2.1.2), and a reset
 * must bring it back to work. Start reading at hostile_run, and at the table at the end.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "smp.h"

#include <stddef.h>

#define NOWHERE 0xe0000000UL /* neither RAM nor pmem */
#define WRITE VRING_DESC_F_WRITE
#define NEXT VRING_DESC_F_NEXT

static const char *expect_broken(struct pmem *pmem)
{
	struct virtio_mmio *device = &pmem->device;
	uint32_t status;

	if (!interrupts_wait(&device->config_interrupts, 0))
		return fail("no configuration interrupt, status 0x%x, used idx %u",
			    virtio_mmio_read(device, VIRTIO_MMIO_STATUS), pmem->queue.used.idx);
	status = virtio_mmio_read(device, VIRTIO_MMIO_STATUS);
	if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET))
		return fail("status 0x%x lacks DEVICE_NEEDS_RESET", status);
	if (pmem->queue.used.idx)
		return "a broken chain was used";
	/* A broken device stays silent. */
	pmem_kick(pmem);
	return virtio_mmio_read(device, VIRTIO_MMIO_STATUS) == status ? NULL : "status changes";
}

const char *hostile_run(const struct check *check)
{
	unsigned n = (unsigned)args_number("device", 0);
	struct pmem *pmem = &pmems[n];
	const char *error;

	if (n >= pmem_count)
		return "there is no such pmem device";
	error = pmem_start(pmem);
	if (!error)
		error = check->misbehave(pmem);
	if (!error)
		error = pmem_start(pmem);
	if (!error)
		error = pmem_flush(pmem);
	return error;
}

static const char *offer_bad(struct pmem *pmem, uint16_t head)
{
	virtqueue_offer(&pmem->queue, head);
	pmem_kick(pmem);
	return expect_broken(pmem);
}

/* A flush with one descriptor other than it should be; 0 is the request, 1 the response. */
static const char *offer_changed(struct pmem *pmem, uint16_t index, uint64_t addr, uint32_t len,
				 uint16_t flags, uint16_t next)
{
	virtqueue_describe(&pmem->queue, index, addr, len, flags, next);
	return offer_bad(pmem, 0);
}

/* What lies behind the end of the table is right, so that only its place can be found wrong. */
static const char *head(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, pmem->queue.size, (uint64_t)&pmem->req, 4, NEXT, 1);
	return offer_bad(pmem, pmem->queue.size);
}

static const char *next(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, pmem->queue.size, (uint64_t)&pmem->resp[0], 4, WRITE, 0);
	return offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT, pmem->queue.size);
}

static const char *loop(struct pmem *pmem)
{
	return offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 4, NEXT | WRITE, 1);
}

static const char *unmapped(struct pmem *pmem)
{
	return offer_changed(pmem, 0, NOWHERE, 4, NEXT, 1);
}

static const char *unmapped_response(struct pmem *pmem)
{
	return offer_changed(pmem, 1, NOWHERE, 4, WRITE, 0);
}

static const char *overflow(struct pmem *pmem)
{
	return offer_changed(pmem, 0, ~0UL - 1, 4, NEXT, 1);
}

/* Three bytes lie in the last device's memory, the fourth nowhere. */
static const char *across_end(struct pmem *pmem)
{
	struct pmem *last = &pmems[pmem_count - 1];

	return offer_changed(pmem, 0, last->start + last->size - 3, 4, NEXT, 1);
}

static const char *readdesc(struct pmem *pmem)
{
	return offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 4, 0, 0);
}

static const char *writedesc(struct pmem *pmem)
{
	return offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT | WRITE, 1);
}

static const char *order(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 0, (uint64_t)&pmem->resp[0], 4, NEXT | WRITE, 1);
	return offer_changed(pmem, 1, (uint64_t)&pmem->req, 4, 0, 0);
}

static const char *short_request(struct pmem *pmem)
{
	return offer_changed(pmem, 0, (uint64_t)&pmem->req, 3, NEXT, 1);
}

static const char *short_response(struct pmem *pmem)
{
	return offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 3, WRITE, 0);
}

/* A table that is right: descriptors 2 and 3, a flush. */
static const char *indirect(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 2, (uint64_t)&pmem->req, 4, NEXT, 1);
	return offer_changed(pmem, 0, (uint64_t)&pmem->queue.desc[2], 32, VRING_DESC_F_INDIRECT, 0);
}

/* A plain flush but for the flag, which a device must not overlook. */
static const char *indirect_flag(struct pmem *pmem)
{
	return offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT | VRING_DESC_F_INDIRECT, 1);
}

static const char *avail_jump(struct pmem *pmem)
{
	pmem->queue.avail.idx = (uint16_t)(pmem->queue.avail.idx + pmem->queue.size);
	return offer_bad(pmem, 0);
}

static const char *avail_back(struct pmem *pmem)
{
	pmem->queue.avail.idx--;
	pmem_kick(pmem);
	return expect_broken(pmem);
}

/* The other CPU's part of race: a response that is now here and now nowhere, a chain that loops. */
static volatile uint32_t racing;
static struct pmem *race_pmem;

static void rewrite(unsigned cpu)
{
	struct vring_desc *desc = race_pmem->queue.desc;

	(void)cpu;
	while (racing) {
		desc[1].addr ^= (uint64_t)&race_pmem->resp[0] ^ NOWHERE;
		desc[0].next ^= 1;
		barrier();
	}
}

/* What another CPU rewrites while the device reads it is answered or breaks the device; no more. */
static const char *race(struct pmem *pmem)
{
	unsigned count = (unsigned)args_number("count", 200);
	const char *error = machine.n_cpus < 2 ? "needs two CPUs" : smp_start();

	if (error)
		return error;
	racing = 1;
	race_pmem = pmem;
	smp_run(1, rewrite);
	for (unsigned i = 0; i < count && !error; i++) {
		uint32_t seen = pmem->device.interrupts;

		if (pmem->device.config_interrupts) {
			error = pmem_start(pmem);
			seen = 0;
		}
		virtqueue_offer(&pmem->queue, 0);
		pmem_kick(pmem);
		if (!error && !interrupts_wait(&pmem->device.interrupts, seen))
			error = fail("round %u is neither answered nor refused", i);
	}
	racing = 0;
	return smp_wait(1) ? error : "CPU 1 does not end";
}

/* The memory of readonly-device= may be read but nothing be written to it. */
static const char *response_readonly(struct pmem *pmem)
{
	uint64_t n = args_number("readonly-device", ~0UL);
	const char *error;
	uint64_t old;

	if (n >= pmem_count)
		return "there is no such pmem device";
	old = read64(pmems[n].start);
	error = offer_changed(pmem, 1, pmems[n].start, 4, WRITE, 0);
	if (!error && read64(pmems[n].start) != old)
		error = "the response was written to a read-only device";
	return error;
}

/* Buffers in pmem are allowed: Linux puts them there for O_DIRECT from a DAX mapping. */
static const char *response_in_pmem(struct pmem *pmem)
{
	volatile uint32_t *resp = (volatile uint32_t *)(pmem->start + pmem->size / 2);
	const char *error;

	*resp = PMEM_UNANSWERED;
	virtqueue_describe(&pmem->queue, 1, (uint64_t)resp, 4, WRITE, 0);
	pmem_offer(pmem, 0);
	pmem->resp[0].ret = 0; /* nobody else will */
	pmem_kick(pmem);
	error = pmem_finish(pmem);
	return error || *resp == 0 ? error : fail("the response in pmem is %u", *resp);
}

/* The answer lands on the used ring's own idx; all that may break is this queue. */
static const char *response_in_ring(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 1, (uint64_t)&pmem->queue.used, 4, WRITE, 0);
	virtqueue_offer(&pmem->queue, 0);
	pmem_kick(pmem);
	interrupts_idle(2000000);
	return NULL;
}

/* Unspecified; mvmm answers with a failure, which must not be Linux's ENOMEM. */
static const char *type(struct pmem *pmem)
{
	const char *error;

	pmem->req.type = 7;
	error = pmem_request(pmem);
	if (!error && (!pmem->ret || (int32_t)pmem->ret == -12))
		error = fail("an unknown request was answered %d", (int)pmem->ret);
	return error;
}

/* Takes the device up to the point where a queue is placed. */
static const char *negotiate(struct pmem *pmem)
{
	const char *error = virtio_mmio_reset(&pmem->device);

	return error ? error : virtio_mmio_negotiate(&pmem->device, 1UL << VIRTIO_F_VERSION_1);
}

struct placement {
	const char *what;
	uint32_t size;
	uint64_t desc, avail, used;
};

static const char *expect_refused(struct pmem *pmem, const struct placement *places, size_t n)
{
	const char *error = NULL;

	for (size_t i = 0; i < n && !error; i++) {
		const struct placement *place = &places[i];

		error = negotiate(pmem);
		virtio_mmio_place_queue(&pmem->device, place->size, place->desc, place->avail,
					place->used);
		virtio_mmio_write(&pmem->device, VIRTIO_MMIO_QUEUE_READY, 1);
		if (!error && virtio_mmio_read(&pmem->device, VIRTIO_MMIO_QUEUE_READY))
			error = fail("a queue with %s becomes ready", place->what);
	}
	return error;
}

#define RINGS(queue)                                                                               \
	(uint64_t)(queue)->desc, (uint64_t) & (queue)->avail, (uint64_t) & (queue)->used

static const char *align(struct pmem *pmem)
{
	const struct virtqueue *queue = &pmem->queue;
	struct placement places[] = {
		{ "descriptors at 8", 8, RINGS(queue) },
		{ "an available ring at 1", 8, RINGS(queue) },
		{ "a used ring at 2", 8, RINGS(queue) },
	};

	places[0].desc += 8;
	places[1].avail += 1;
	places[2].used += 2;
	return expect_refused(pmem, places, 3);
}

static const char *size(struct pmem *pmem)
{
	const struct virtqueue *queue = &pmem->queue;
	uint32_t max = virtio_mmio_read(&pmem->device, VIRTIO_MMIO_QUEUE_NUM_MAX);
	const struct placement places[] = {
		{ "size 0", 0, RINGS(queue) },
		{ "size 3", 3, RINGS(queue) },
		{ "twice the largest size", max * 2, RINGS(queue) },
		{ "size 65536 + 8", 65544, RINGS(queue) },
	};

	return expect_refused(pmem, places, 4);
}

static const char *ring_in_pmem(struct pmem *pmem)
{
	const struct virtqueue *queue = &pmem->queue;
	struct placement places[] = {
		{ "descriptors in pmem", 8, RINGS(queue) },
		{ "an available ring in pmem", 8, RINGS(queue) },
		{ "a used ring in pmem", 8, RINGS(queue) },
	};

	places[0].desc = places[1].avail = places[2].used = pmem->start;
	return expect_refused(pmem, places, 3);
}

static const char *ring_unmapped(struct pmem *pmem)
{
	const struct virtqueue *queue = &pmem->queue;
	struct placement places[] = {
		{ "descriptors nowhere", 8, RINGS(queue) },
		{ "an available ring nowhere", 8, RINGS(queue) },
		{ "a used ring that wraps around", 8, RINGS(queue) },
		{ "descriptors up to the end of addresses", 8, RINGS(queue) },
	};

	places[0].desc = places[1].avail = NOWHERE;
	places[2].used = ~0UL - 3;
	places[3].desc = ~0UL - 127;
	return expect_refused(pmem, places, 4);
}

static const char *queue_1(struct pmem *pmem)
{
	struct virtio_mmio *device = &pmem->device;
	const uint32_t selections[] = { 1, 7, 0x10000, ~0U };
	const char *error = negotiate(pmem);

	for (unsigned i = 0; i < 4 && !error; i++) {
		virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_SEL, selections[i]);
		if (virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_NUM_MAX))
			error = fail("queue 0x%x has a size", selections[i]);
		virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_NUM, 8);
		virtio_mmio_write(device, VIRTIO_MMIO_QUEUE_READY, 1);
		if (virtio_mmio_read(device, VIRTIO_MMIO_QUEUE_READY))
			error = fail("queue 0x%x becomes ready", selections[i]);
	}
	return error;
}

static const char *features(struct pmem *pmem)
{
	static const uint64_t wrong[] = {
		0,				       /* without VERSION_1 */
		1UL << VIRTIO_F_VERSION_1 | 1UL << 63, /* never offered */
		1UL << VIRTIO_F_VERSION_1 | 1UL << 23, /* nor this one */
		1UL << VIRTIO_F_VERSION_1 | 1UL << VIRTIO_F_RING_PACKED,
	};
	const char *error = NULL;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]) && !error; i++) {
		error = virtio_mmio_reset(&pmem->device);
		if (!error && !virtio_mmio_negotiate(&pmem->device, wrong[i]))
			error = fail("features 0x%lx are accepted", wrong[i]);
		if (virtio_mmio_read(&pmem->device, VIRTIO_MMIO_STATUS) &
		    VIRTIO_CONFIG_S_FEATURES_OK)
			error = fail("FEATURES_OK is set for 0x%lx", wrong[i]);
	}
	return error;
}

static const char *kick_storm(struct pmem *pmem)
{
	unsigned count = (unsigned)args_number("count", 200);

	for (unsigned i = 0; i < count; i++) {
		pmem_kick(pmem);
		virtio_mmio_write(&pmem->device, VIRTIO_MMIO_QUEUE_NOTIFY, i);
	}
	if (pmem->queue.used.idx)
		return "an empty queue was used";
	return pmem_flush(pmem);
}

/* A doorbell before DRIVER_OK does nothing; what it was for is done when DRIVER_OK comes. */
static const char *notready_kick(struct pmem *pmem)
{
	struct virtio_mmio *device = &pmem->device;
	const char *error = negotiate(pmem);

	pmem_kick(pmem);
	if (!error)
		error = virtio_mmio_add_queue(device, 0, &pmem->queue, VIRTQUEUE_MAX);
	if (error)
		return error;
	pmem_offer(pmem, 0);
	pmem_kick(pmem);
	interrupts_idle(2000000);
	if (virtqueue_waiting(&pmem->queue))
		return "the queue was used before DRIVER_OK";
	error = virtio_mmio_driver_ok(device);
	return error ? error : pmem_finish(pmem);
}

/* The same head twice, while the first is in flight. */
static const char *reuse(struct pmem *pmem)
{
	virtqueue_offer(&pmem->queue, 0);
	return offer_bad(pmem, 0);
}

/*
 * Drivers use aligned 32-bit accesses of control registers only (4.2.2.2). Other stores change
 * nothing; other loads are nothing special, because the registers are memory to them.
 */
static const char *width(struct pmem *pmem)
{
	uint64_t base = pmem->device.base, status = base + VIRTIO_MMIO_STATUS;
	uint32_t before = read32(status);

	if (read8(base + 1) != (uint8_t)(VIRTIO_MMIO_MAGIC >> 8) ||
	    read16(base + 2) != VIRTIO_MMIO_MAGIC >> 16 ||
	    read32(base + 2) != (2 << 16 | VIRTIO_MMIO_MAGIC >> 16) ||
	    read64(base) != (2UL << 32 | VIRTIO_MMIO_MAGIC))
		return "MagicValue is another one with another width or alignment";
	write8(status, 0);
	write16(status, 0);
	write64(status, 0);
	write32(status + 2, 0);
	if (read32(status) != before)
		return fail("status was 0x%x and is 0x%x after wrong accesses", before,
			    read32(status));
	write8(base + VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	write16(base + VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	write64(base + VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	/* Unknown registers, and what lies behind the configuration space. */
	for (uint64_t at = 0; at < 0x1000; at += 0x10)
		read32(base + at + 0xc);
	write32(base + 0x0c4, ~0U);
	write32(base + 0xffc, ~0U);
	return pmem_flush(pmem);
}

/* Queue registers are closed once the queue is ready, and the range is not the driver's to change.
 */
static const char *late_writes(struct pmem *pmem)
{
	struct virtio_mmio *device = &pmem->device;
	uint32_t start = virtio_mmio_read(device, VIRTIO_MMIO_CONFIG);

	virtio_mmio_place_queue(device, 2, NOWHERE, NOWHERE, NOWHERE);
	virtio_mmio_write(device, VIRTIO_MMIO_DRIVER_FEATURES, ~0U);
	virtio_mmio_write(device, VIRTIO_MMIO_CONFIG, ~start);
	if (virtio_mmio_read(device, VIRTIO_MMIO_CONFIG) != start)
		return "the configuration space can be written to";
	/* Descriptors 4 and 5, which a queue of size 2 would not have. */
	pmem_offer(pmem, 2);
	pmem_kick(pmem);
	return pmem_finish(pmem);
}

const struct check hostile_checks[] = {
	/*
	 * bad input: Ring: head of the queue's size -> DEVICE_NEEDS_RESET, a configuration
	 * interrupt; a reset mends it, as in all of these
	 */
	{ "hostile-head", .misbehave = head },
	/* bad input: Ring: next of the queue's size -> DEVICE_NEEDS_RESET */
	{ "hostile-next", .misbehave = next },
	/* bad input: Ring: chain that loops -> DEVICE_NEEDS_RESET */
	{ "hostile-loop", .misbehave = loop },
	/* bad input: Buffers: request where nothing is -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped", .misbehave = unmapped },
	/* bad input: Buffers: response where nothing is -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped-response", .misbehave = unmapped_response },
	/* bad input: Buffers: address and length that wrap around -> DEVICE_NEEDS_RESET */
	{ "hostile-overflow", .misbehave = overflow },
	/*
	 * bad input: Buffers: buffer across the last byte of the last device -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-across-end", .misbehave = across_end },
	/*
	 * bad input: Buffers: readable descriptor where a writable one is due ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-readdesc", .misbehave = readdesc },
	/*
	 * bad input: Buffers: writable descriptor where a readable one is due ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-writedesc", .misbehave = writedesc },
	/* bad input: Buffers: response before the request -> DEVICE_NEEDS_RESET */
	{ "hostile-order", .misbehave = order },
	/* bad input: Buffers: request of 3 bytes -> DEVICE_NEEDS_RESET */
	{ "hostile-short-request", .misbehave = short_request },
	/* bad input: Buffers: response of 3 bytes -> DEVICE_NEEDS_RESET */
	{ "hostile-short-response", .misbehave = short_response },
	/*
	 * bad input: Ring: indirect table that would be right if it had been negotiated ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-indirect", .misbehave = indirect },
	/* bad input: Ring: plain flush with the flag for an indirect table -> DEVICE_NEEDS_RESET */
	{ "hostile-indirect-flag", .misbehave = indirect_flag },
	/* bad input: Ring: avail.idx moves by more than the queue's size -> DEVICE_NEEDS_RESET */
	{ "hostile-avail-jump", .misbehave = avail_jump },
	/* bad input: Ring: avail.idx moves backwards -> DEVICE_NEEDS_RESET */
	{ "hostile-avail-back", .misbehave = avail_back },
	/*
	 * bad input: Buffers: response in another, read-only device -> DEVICE_NEEDS_RESET, nothing
	 * is written
	 */
	{ "hostile-response-readonly", .misbehave = response_readonly, .by_name = true },
	{ "hostile-response-in-pmem", .misbehave = response_in_pmem },
	/* bad input: Buffers: response on the used ring's own index -> only this queue suffers */
	{ "hostile-response-in-ring", .misbehave = response_in_ring },
	/* bad input: Buffers: unknown request type -> answered with failure */
	{ "hostile-type", .misbehave = type },
	/* bad input: Setup: misaligned rings -> QueueReady stays 0 */
	{ "hostile-align", .misbehave = align },
	/* bad input: Setup: queue size 0, 3, twice the maximum, 65544 -> QueueReady stays 0 */
	{ "hostile-size", .misbehave = size },
	/* bad input: Setup: rings in pmem -> QueueReady stays 0 */
	{ "hostile-ring-in-pmem", .misbehave = ring_in_pmem },
	/* bad input: Setup: rings where nothing is -> QueueReady stays 0 */
	{ "hostile-ring-unmapped", .misbehave = ring_unmapped },
	/* bad input: Setup: queue 1 of a device with one -> QueueReady stays 0 */
	{ "hostile-queue-1", .misbehave = queue_1 },
	/* bad input: Features: wrong sets of them -> FEATURES_OK stays clear */
	{ "hostile-features", .misbehave = features },
	/*
	 * bad input: Doorbell: storm on an empty ring and on queues that are not there -> nothing
	 * is used
	 */
	{ "hostile-kick-storm", .misbehave = kick_storm },
	/*
	 * bad input: Doorbell: before DRIVER_OK -> nothing before, and the flush after it without
	 * another doorbell
	 */
	{ "hostile-notready-kick", .misbehave = notready_kick },
	/* bad input: Ring: head offered twice while in flight -> DEVICE_NEEDS_RESET */
	{ "hostile-reuse", .misbehave = reuse },
	/*
	 * bad input: Setup: register accesses of wrong widths and unknown offsets -> write nothing,
	 * read the bytes that are there
	 */
	{ "hostile-width", .misbehave = width },
	/*
	 * bad input: Setup: queue registers, features and configuration written after DRIVER_OK ->
	 * are ignored
	 */
	{ "hostile-late-writes", .misbehave = late_writes },
	/*
	 * bad input: Ring: descriptors rewritten by a second vCPU -> answered or
	 * DEVICE_NEEDS_RESET, each round
	 */
	{ "hostile-race", .misbehave = race, .by_name = true },
	{ 0 },
};
