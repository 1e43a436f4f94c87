// SPDX-License-Identifier: Apache-2.0
/* Drivers that access registers at a wrong time, in a wrong width, or too often. */
#include "hostile.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "pmem.h"

#include <stddef.h>

const char *hostile_kick_storm(struct pmem *pmem)
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

/*
 * Drivers use aligned 32-bit accesses of control registers only (4.2.2.2). Other stores change
 * nothing; other loads are nothing special, because the registers are memory to them.
 */
const char *hostile_width(struct pmem *pmem)
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
const char *hostile_late_writes(struct pmem *pmem)
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
