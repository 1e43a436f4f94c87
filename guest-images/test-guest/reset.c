// SPDX-License-Identifier: Apache-2.0
/*
 * Tests that take a device or its queue away while flushes are in flight. Start reading at reset.
 */
#include "checks.h"

#include "args.h"
#include "fail.h"
#include "interrupts.h"
#include "pmem.h"

#include <stddef.h>

/*
 * Interrupts that said something. An edge may wait in the APIC, so one that
 * was sent before a reset may come after it; its status then reads 0, and a driver ignores it.
 */
static uint32_t notifications(const struct virtio_mmio *device)
{
	return device->used_interrupts + device->config_interrupts;
}

/* Waits for the interrupts of what was used already: they may come late. */
static void settle(struct pmem *pmem)
{
	uint32_t seen;

	if (virtqueue_waiting(&pmem->queue))
		interrupts_wait(&pmem->device.used_interrupts, 0);
	do {
		seen = notifications(&pmem->device);
		interrupts_idle(args_number("idle-us", 500) * 1000);
	} while (notifications(&pmem->device) != seen);
}

/* Nothing of what was in flight may appear in the rings, in an answer or as an interrupt. */
static const char *check_silence(struct pmem *pmem, unsigned flushes)
{
	uint32_t interrupts = notifications(&pmem->device);
	uint16_t idx = pmem->queue.used.idx;

	for (unsigned n = 0; n < flushes; n++)
		pmem->resp[n].ret = PMEM_UNANSWERED;
	interrupts_idle(args_number("idle-us", 500) * 1000);
	for (unsigned n = 0; n < flushes; n++)
		if (*(volatile uint32_t *)&pmem->resp[n].ret != PMEM_UNANSWERED)
			return fail("flush %u is answered late", n);
	if (notifications(&pmem->device) != interrupts)
		return "an interrupt comes late";
	if (*(volatile uint16_t *)&pmem->queue.used.idx != idx)
		return "used idx moves late";
	return NULL;
}

static const char *reset(struct pmem *pmem)
{
	unsigned outstanding = (unsigned)args_number("outstanding", 4);
	unsigned count = (unsigned)args_number("count", 20);
	const char *error = NULL;

	for (unsigned i = 0; i < count && !error; i++) {
		error = pmem_start(pmem);
		if (error || outstanding > pmem->flushes)
			break;
		for (unsigned n = 0; n < outstanding; n++)
			pmem_offer(pmem, n);
		pmem_kick(pmem);
		error = virtio_mmio_reset(&pmem->device);
		if (!error)
			error = check_silence(pmem, outstanding);
		if (!error)
			error = pmem_start(pmem);
		/* The same heads again: the device must not think that they are in flight. */
		for (unsigned n = 0; n < outstanding && !error; n++)
			error = pmem_flush(pmem);
	}
	return error;
}

/* As Linux does when its driver is unbound: QueueReady = 0 while flushes are in flight. */
static const char *queue_off(struct pmem *pmem)
{
	const char *error = pmem_start(pmem);

	if (error)
		return error;
	for (unsigned n = 0; n < 4; n++)
		pmem_offer(pmem, n);
	pmem_kick(pmem);
	virtio_mmio_write(&pmem->device, VIRTIO_MMIO_QUEUE_READY, 0);
	if (virtio_mmio_read(&pmem->device, VIRTIO_MMIO_QUEUE_READY))
		return "QueueReady cannot be cleared";
	settle(pmem);
	error = check_silence(pmem, 4);
	/* A fresh start of the queue alone; its heads are free again. */
	pmem->offered = 0;
	if (!error)
		error = virtio_mmio_add_queue(&pmem->device, 0, &pmem->queue, VIRTQUEUE_MAX);
	return error ? error : pmem_flush(pmem);
}

const struct check reset_checks[] = {
	{ "reset", .each = reset },
	{ "queue-off", .each = queue_off },
	{ 0 },
};
