// SPDX-License-Identifier: Apache-2.0
/*
 * Flushes of all devices at once, driven by interrupts alone, as Linux does it: a handler reads
 * InterruptStatus, acknowledges it, and only where it says "used buffer" looks at the ring, once,
 * takes what is there and offers the next flush. So a device whose interrupt is lost stands still
 * for ever. Start reading at handle.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "smp.h"
#include "text.h"

#include <stddef.h>

static struct stream {
	struct pmem *pmem;
	uint32_t to_offer;
	volatile uint32_t done;
	uint32_t silent; /* handlers that found no status bit */
	uint32_t empty;	 /* handlers that found nothing used: those before had taken it */
	const char *error;
} streams[MACHINE_MAX_SLOTS];

static void offer(struct stream *stream, unsigned n)
{
	if (!stream->to_offer)
		return;
	stream->to_offer--;
	pmem_offer(stream->pmem, n);
}

static void handle(void *arg, uint64_t tsc)
{
	struct stream *stream = arg;
	struct virtio_mmio *device = &stream->pmem->device;
	uint32_t status = virtio_mmio_read(device, VIRTIO_MMIO_INTERRUPT_STATUS);
	struct vring_used_elem elem;
	uint16_t waiting;

	virtio_mmio_write(device, VIRTIO_MMIO_INTERRUPT_ACK, status);
	device->interrupts++;
	if (!(status & VIRTIO_MMIO_INT_VRING)) {
		stream->silent++;
		return;
	}
	/* Once: what is used from now on has an interrupt of its own. */
	waiting = virtqueue_waiting(&stream->pmem->queue);
	stream->empty += waiting == 0;
	for (; waiting && !stream->error; waiting--) {
		virtqueue_take(&stream->pmem->queue, &elem);
		stream->error = pmem_check(stream->pmem, &elem);
		stream->done++;
		offer(stream, elem.id / 2);
		pmem_kick(stream->pmem);
	}
}

static const char *begin(struct stream *stream, struct pmem *pmem, uint32_t apic_id, uint32_t count)
{
	unsigned outstanding = (unsigned)args_number("outstanding", 4);
	const char *error = pmem_start(pmem);

	if (!error && (outstanding < 1 || outstanding > pmem->flushes))
		error = fail("outstanding= is 1 to %u", pmem->flushes);
	if (error)
		return error;
	/* An edge of the test before comes within that time. */
	interrupts_idle(1000000);
	*stream = (struct stream){ .pmem = pmem, .to_offer = count };
	interrupts_route(pmem->device.pin, apic_id, handle, stream);
	/* One doorbell for all: from then on the stream is the handler's, perhaps on another CPU.
	 */
	for (unsigned n = 0; n < outstanding; n++)
		offer(stream, n);
	pmem_kick(pmem);
	return NULL;
}

static const char *finish(struct stream *stream, unsigned i, uint32_t count)
{
	while (stream->done < count && !stream->error) {
		uint32_t seen = stream->done;

		if (seen < count && !interrupts_wait(&stream->done, seen))
			return fail("device %u: no interrupt after %u flushes, used idx %u, %u "
				    "taken, InterruptStatus %u",
				    i, seen, stream->pmem->queue.used.idx,
				    stream->pmem->queue.taken,
				    virtio_mmio_read(&stream->pmem->device,
						     VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	if (stream->error)
		return fail("device %u: %s", i, stream->error);
	if (stream->silent)
		return fail("device %u: %u interrupts without a status bit", i, stream->silent);
	return NULL;
}

static const char *stress_interrupts(void)
{
	uint32_t count = (uint32_t)args_number("count", 200), interrupts = 0, empty = 0;
	const char *error = machine.n_cpus > 1 ? smp_start() : NULL;

	for (unsigned i = 0; i < pmem_count && !error; i++)
		error = begin(&streams[i], &pmems[i], machine.apic_ids[i % machine.n_cpus], count);
	for (unsigned i = 0; i < pmem_count && !error; i++)
		error = finish(&streams[i], i, count);
	for (unsigned i = 0; i < pmem_count; i++) {
		interrupts += pmems[i].device.interrupts;
		empty += streams[i].empty;
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[0]);
	}
	print("test-guest: interrupts %u, of them without a used buffer %u, flushes %u\n",
	      interrupts, empty, count * pmem_count);
	/* Linux gives an interrupt up that nearly never has a reason: 99,900 of 100,000. */
	if (!error && empty > 10 && empty > interrupts / 10 * 9)
		error = "most interrupts come without a used buffer";
	return error;
}

const struct check stress_checks[] = {
	{ "interrupts", .once = stress_interrupts },
	{ 0 },
};
