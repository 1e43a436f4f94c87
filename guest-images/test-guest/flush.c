// SPDX-License-Identifier: Apache-2.0
/* Tests of the flush: how long it takes, without an interrupt, over many descriptors. Start reading
 * at flush. */
#include "checks.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "pmem.h"
#include "serial.h"

#include <stddef.h>

#define MAX_SAMPLES 4096

/* Shell sort: short, and quick enough for a few thousand samples. */
static void sort(uint64_t *values, unsigned n)
{
	for (unsigned gap = n / 2; gap > 0; gap /= 2) {
		for (unsigned i = gap; i < n; i++) {
			uint64_t value = values[i];
			unsigned j = i;

			for (; j >= gap && values[j - gap] > value; j -= gap)
				values[j] = values[j - gap];
			values[j] = value;
		}
	}
}

/*
 * Store to pmem, doorbell, interrupt: the cycles from before the store to the handler's stub. All
 * that can be done before is done before: on a slow KVM each instruction here is a microsecond.
 */
static const char *timed_flush(struct pmem *pmem, volatile uint64_t *target, uint64_t *ret_cycles)
{
	uint64_t start;
	uint32_t seen = pmem->device.used_interrupts;

	pmem_stage(pmem, 0);
	start = rdtsc();
	*target = start;
	virtqueue_publish(&pmem->queue);
	virtio_mmio_kick(&pmem->device);
	if (!interrupts_wait(&pmem->device.used_interrupts, seen))
		return pmem_finish(pmem) ?: "a flush is used, but without an interrupt";
	*ret_cycles = pmem->device.interrupt_tsc - start;
	return pmem_finish(pmem);
}

/* A flush of the device busy= is always under way, to see whether that delays others. */
static const char *keep_busy(const struct pmem *measured)
{
	uint64_t i = args_number("busy", ~0UL);
	const char *error = NULL;

	if (i >= pmem_count || &pmems[i] == measured)
		return NULL;
	if (pmems[i].offered && !virtqueue_waiting(&pmems[i].queue))
		return NULL;
	if (pmems[i].offered)
		error = pmem_finish(&pmems[i]);
	pmem_offer(&pmems[i], 0);
	pmem_kick(&pmems[i]);
	return error;
}

static void print_samples(const struct pmem *pmem, const uint64_t *cycles, unsigned count)
{
	print("test-guest: flush-samples-ns device=%u", pmem_index(pmem));
	for (unsigned i = 0; i < count; i++)
		print(" %lu", clock_ns(cycles[i]));
	print("\n");
}

static const char *flush_one_by_one(struct pmem *pmem, unsigned count)
{
	static uint64_t cycles[MAX_SAMPLES] NOINIT;
	uint16_t idx = pmem->queue.used.idx;
	uint64_t elsewhere;
	volatile uint64_t *target = (volatile uint64_t *)pmem->start;

	if (!args_number("store", 1))
		target = &elsewhere;
	for (unsigned i = 0; i < count; i++) {
		const char *error = keep_busy(pmem);

		if (!error)
			error = timed_flush(pmem, target, &cycles[i]);
		if (error)
			return fail("device %u flush %u: %s", pmem_index(pmem), i, error);
		if (pmem->queue.used.idx != (uint16_t)(idx + i + 1))
			return "used idx does not count the flushes";
	}
	if (args_number("samples", 0))
		print_samples(pmem, cycles, count);
	sort(cycles, count);
	print("test-guest: flush-latency-ns device=%u min=%lu median=%lu p99=%lu n=%u "
	      "median-cycles=%lu\n",
	      pmem_index(pmem), clock_ns(cycles[0]), clock_ns(cycles[count / 2]),
	      clock_ns(cycles[count * 99 / 100]), count, cycles[count / 2]);
	/* The used buffer's bit may stay set: mvmm's does, until a reset. */
	if (virtio_mmio_read(&pmem->device, VIRTIO_MMIO_INTERRUPT_STATUS) & ~VIRTIO_MMIO_INT_VRING)
		return "InterruptStatus says more than that buffers were used";
	return pmem->ret ? fail("a flush answered %d", (int)pmem->ret) : NULL;
}

static const char *flush_together(struct pmem *pmem, unsigned count, unsigned outstanding)
{
	for (unsigned i = 0; i < count; i += outstanding) {
		const char *error;

		for (unsigned n = 0; n < outstanding; n++) {
			if (args_number("store", 1))
				write64(pmem->start + 8 * n, i + n);
			pmem_offer(pmem, n);
			pmem_kick(pmem);
		}
		error = pmem_finish(pmem);
		if (error)
			return error;
	}
	return pmem->ret ? fail("a flush answered %d", (int)pmem->ret) : NULL;
}

static const char *flush(struct pmem *pmem)
{
	unsigned count = (unsigned)args_number("count", 100);
	unsigned outstanding = (unsigned)args_number("outstanding", 1);
	const char *error = pmem_start(pmem);

	if (count < 1 || count > MAX_SAMPLES || outstanding < 1 || outstanding > pmem->flushes)
		return fail("count= is 1 to %u, outstanding= 1 to %u", MAX_SAMPLES, pmem->flushes);
	if (!error)
		error = outstanding == 1 ? flush_one_by_one(pmem, count)
					 : flush_together(pmem, count, outstanding);
	return error;
}

/* No interrupt is asked for (2.7.7): none may come, the answer must. */
static const char *no_interrupt(struct pmem *pmem)
{
	const char *error = pmem_start(pmem);
	uint64_t start;

	if (error)
		return error;
	pmem->queue.avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	pmem_offer(pmem, 0);
	pmem_kick(pmem);
	start = rdtsc();
	while (!virtqueue_waiting(&pmem->queue))
		if (rdtsc() - start > clock_timeout)
			return "no answer";
	interrupts_idle(1000000);
	if (pmem->device.interrupts)
		return "an interrupt in spite of VRING_AVAIL_F_NO_INTERRUPT";
	pmem->queue.avail.flags = 0;
	error = pmem_finish(pmem);
	return error ? error : pmem_flush(pmem);
}

/* A flush over four descriptors: no framing may be assumed (2.7.4). */
static const char *framing(struct pmem *pmem)
{
	struct virtqueue *queue = &pmem->queue;
	const char *error = pmem_start(pmem);

	if (error)
		return error;
	virtqueue_describe(queue, 0, (uint64_t)&pmem->req, 1, VRING_DESC_F_NEXT, 3);
	virtqueue_describe(queue, 3, (uint64_t)&pmem->req + 1, 3, VRING_DESC_F_NEXT, 1);
	virtqueue_describe(queue, 1, (uint64_t)&pmem->resp[0], 2,
			   VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 4);
	virtqueue_describe(queue, 4, (uint64_t)&pmem->resp[0] + 2, 2, VRING_DESC_F_WRITE, 0);
	error = pmem_flush(pmem);
	return error ? error : pmem_start(pmem);
}

const struct check flush_checks[] = {
	{ "flush", .each = flush },
	{ "no-interrupt", .each = no_interrupt },
	{ "framing", .each = framing },
	{ 0 },
};
