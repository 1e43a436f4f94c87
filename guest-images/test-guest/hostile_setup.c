// SPDX-License-Identifier: Apache-2.0
/* Drivers that set the device up wrongly, or use it before the end of that. */
#include "hostile.h"

#include "fail.h"
#include "interrupts.h"
#include "pmem.h"

#include <stddef.h>

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

const char *hostile_align(struct pmem *pmem)
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

const char *hostile_size(struct pmem *pmem)
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

const char *hostile_ring_in_pmem(struct pmem *pmem)
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

const char *hostile_ring_unmapped(struct pmem *pmem)
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

const char *hostile_queue_1(struct pmem *pmem)
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

const char *hostile_features(struct pmem *pmem)
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

/* A doorbell before DRIVER_OK does nothing; what it was for is done when DRIVER_OK comes. */
const char *hostile_notready_kick(struct pmem *pmem)
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
