// SPDX-License-Identifier: Apache-2.0
/* What most misbehaving drivers have in common: the device must break. */
#include "hostile.h"

#include "fail.h"
#include "interrupts.h"
#include "pmem.h"

#include <stddef.h>

const char *hostile_expect_broken(struct pmem *pmem)
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

const char *hostile_offer_bad(struct pmem *pmem, uint16_t head)
{
	virtqueue_offer(&pmem->queue, head);
	pmem_kick(pmem);
	return hostile_expect_broken(pmem);
}

/* A flush with one descriptor other than it should be; 0 is the request, 1 the response. */
const char *hostile_offer_changed(struct pmem *pmem, uint16_t index, uint64_t addr, uint32_t len,
				  uint16_t flags, uint16_t next)
{
	virtqueue_describe(&pmem->queue, index, addr, len, flags, next);
	return hostile_offer_bad(pmem, 0);
}
