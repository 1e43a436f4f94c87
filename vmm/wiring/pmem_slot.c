// SPDX-License-Identifier: Apache-2.0
/* Connects a pmem device to the VM. */
#include "vmm/wiring/pmem_slot.h"

#include "vmm/base/container_of.h"
#include "vmm/base/guarded_copy.h"

/* Whether a store that the slot refused is lost, in whole or in part. */
static bool is_dropped(const struct pmem_backing *backing, uint64_t offset, unsigned size)
{
	return offset >= backing->writable_size &&
	       (backing->readonly || offset + size > backing->file_size);
}

/*
 * KVM accesses memory itself. It leaves us the stores that a slot refuses, and, if it emulates the
 * instruction, accesses to a page that the host could not supply, which are tried once more.
 */
static int access_memory(struct bus_region *region, uint64_t offset, void *data, unsigned size,
			 bool write)
{
	struct pmem *pmem = &container_of(region, struct pmem_slot, memory)->pmem;
	const struct pmem_backing *backing = pmem->backing;

	if (!write)
		return guarded_copy(data, backing->host + offset, size);
	if (!is_dropped(backing, offset, size))
		return guarded_copy(backing->host + offset, data, size);
	return pmem_store(pmem, offset, data, size);
}

/*
 * The device counts and reports dropped stores, on the loop. A store that is kept may wait for the
 * file's page, and must not hold up the loop.
 */
static bool memory_needs_loop(struct bus_region *region, uint64_t offset, unsigned size, bool write)
{
	const struct pmem *pmem = &container_of(region, struct pmem_slot, memory)->pmem;

	return write && is_dropped(pmem->backing, offset, size);
}

static const struct bus_ops memory_ops = {
	.access = access_memory,
	.thread = BUS_ASK,
	.needs_loop = memory_needs_loop,
};

int pmem_slot_add_memory(const struct pmem_backing *backing, gpa_t start, struct guest_memory *mem,
			 struct error *err)
{
	uint64_t writable = backing->writable_size;
	int ret = 0;

	if (writable)
		ret = guest_memory_add(mem, start, writable, backing->host, GUEST_PMEM);
	if (ret == 0 && writable < backing->size)
		ret = guest_memory_add(mem, gpa(start.value + writable), backing->size - writable,
				       backing->host + writable, GUEST_PMEM_READONLY);
	if (ret < 0)
		return error_system(err, -ret, "--pmem %s: cannot be added to guest memory",
				    backing->path);
	return 0;
}

int pmem_slot_init(struct pmem_slot *slot, unsigned number, const char *id,
		   struct pmem_backing *backing, gpa_t start, struct event_loop *loop,
		   const struct guest_memory *mem, const struct register_pages *pages,
		   struct error *err)
{
	pmem_init(&slot->pmem, id, backing, start, loop, mem);
	slot->memory = (struct bus_region){ start.value, backing->size, &memory_ops };
	return virtio_slot_init(&slot->slot, number, &slot->pmem.virtio, loop, pages, err);
}

int pmem_slot_start(struct pmem_slot *slot, struct bus *mmio_bus, struct error *err)
{
	return virtio_slot_start(&slot->slot, mmio_bus, &slot->memory, err);
}

void pmem_slot_fini(struct pmem_slot *slot)
{
	if (slot->pmem.loop)
		event_loop_unregister(slot->pmem.loop, slot->pmem.backing->fd);
	virtio_slot_fini(&slot->slot);
}
