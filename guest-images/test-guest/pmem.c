// SPDX-License-Identifier: Apache-2.0
/* virtio-pmem. Start reading at pmem_flush. */
#include "pmem.h"

#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "virtio_pci.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

struct pmem pmems[MACHINE_MAX_SLOTS] NOINIT;
unsigned pmem_count;

static uint64_t read_config64(const struct virtio_mmio *device, unsigned offset)
{
	uint32_t low = virtio_mmio_read(device, VIRTIO_MMIO_CONFIG + offset);

	return low | (uint64_t)virtio_mmio_read(device, VIRTIO_MMIO_CONFIG + offset + 4) << 32;
}

static void read_range(struct pmem *pmem)
{
	const struct virtio_mmio *device = &pmem->device;
	uint32_t generation;

	do {
		generation = virtio_mmio_read(device, VIRTIO_MMIO_CONFIG_GENERATION);
		pmem->start = read_config64(device, offsetof(struct virtio_pmem_config, start));
		pmem->size = read_config64(device, offsetof(struct virtio_pmem_config, size));
	} while (virtio_mmio_read(device, VIRTIO_MMIO_CONFIG_GENERATION) != generation);
}

const char *pmem_start(struct pmem *pmem)
{
	const char *error = virtio_mmio_start(&pmem->device, 0, &pmem->queue, 1, VIRTQUEUE_MAX);

	pmem->flushes = pmem->queue.size / 2;
	pmem->offered = 0;
	pmem->ret = 0;
	pmem->req.type = VIRTIO_PMEM_REQ_TYPE_FLUSH;
	for (unsigned n = 0; n < pmem->flushes; n++) {
		virtqueue_describe(&pmem->queue, (uint16_t)(2 * n), (uint64_t)&pmem->req,
				   sizeof(pmem->req), VRING_DESC_F_NEXT, (uint16_t)(2 * n + 1));
		virtqueue_describe(&pmem->queue, (uint16_t)(2 * n + 1), (uint64_t)&pmem->resp[n],
				   sizeof(pmem->resp[n]), VRING_DESC_F_WRITE, 0);
	}
	return error;
}

static bool probe(unsigned i, struct pmem *pmem)
{
	const struct machine_slot *slot = &machine.slots[i];

	if (machine.pci)
		return virtio_pci_probe(i, &pmem->device);
	return virtio_mmio_probe(slot->base, slot->pin, &pmem->device);
}

const char *pmem_find(void)
{
	unsigned n = machine.pci ? MACHINE_MAX_SLOTS : machine.n_slots;

	for (unsigned i = 0; i < n; i++) {
		struct pmem *pmem = &pmems[pmem_count];
		const char *error;

		if (!probe(i, pmem) || pmem->device.id != VIRTIO_ID_PMEM)
			continue;
		read_range(pmem);
		virtio_mmio_route(&pmem->device, machine.apic_ids[0]);
		pmem_count++;
		error = pmem_start(pmem);
		if (error)
			return error;
	}
	return NULL;
}

void pmem_stage(struct pmem *pmem, unsigned n)
{
	pmem->resp[n].ret = PMEM_UNANSWERED;
	pmem->offered |= 1UL << n;
	virtqueue_stage(&pmem->queue, (uint16_t)(2 * n));
}

void pmem_offer(struct pmem *pmem, unsigned n)
{
	pmem_stage(pmem, n);
	virtqueue_publish(&pmem->queue);
}

void pmem_kick(struct pmem *pmem)
{
	virtio_mmio_kick(&pmem->device);
}

const char *pmem_check(struct pmem *pmem, const struct vring_used_elem *elem)
{
	uint32_t n = elem->id / 2, ret;

	if (elem->id % 2 || n >= pmem->flushes || !(pmem->offered & 1UL << n))
		return fail("used id %u was not in flight", elem->id);
	if (elem->len != sizeof(struct virtio_pmem_resp))
		return fail("used length is %u, not 4", elem->len);
	ret = pmem->resp[n].ret;
	if (ret == PMEM_UNANSWERED)
		return "a used flush has no answer in it";
	if (ret)
		pmem->ret = ret;
	pmem->offered &= ~(1UL << n);
	return NULL;
}

const char *pmem_finish(struct pmem *pmem)
{
	while (pmem->offered) {
		uint32_t seen = pmem->device.interrupts;
		struct vring_used_elem elem;
		const char *error = NULL;

		barrier();
		if (virtqueue_take(&pmem->queue, &elem))
			error = pmem_check(pmem, &elem);
		else if (!interrupts_wait(&pmem->device.interrupts, seen))
			error = fail("no interrupt, status 0x%x, used idx %u, %u taken",
				     virtio_mmio_read(&pmem->device, VIRTIO_MMIO_STATUS),
				     pmem->queue.used.idx, pmem->queue.taken);
		if (error)
			return error;
	}
	return virtqueue_waiting(&pmem->queue) ? "more used elements than flushes" : NULL;
}

const char *pmem_request(struct pmem *pmem)
{
	pmem->ret = 0;
	pmem_offer(pmem, 0);
	pmem_kick(pmem);
	return pmem_finish(pmem);
}

const char *pmem_flush(struct pmem *pmem)
{
	const char *error = pmem_request(pmem);

	if (!error && pmem->ret)
		error = fail("flush answered %d", (int)pmem->ret);
	return error;
}
