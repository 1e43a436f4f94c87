// SPDX-License-Identifier: Apache-2.0
/* Wires a pmem device. */
#include "vmm/pmem_slot.h"

#include "vmm/container_of.h"

#include <errno.h>
#include <string.h>

struct store {
	struct event_call call;
	struct pmem *pmem;
	uint64_t offset;
	unsigned size;
	uint64_t value;
};

static uint64_t refused_offset(const struct bus_region *region, const struct pmem *pmem,
			       uint64_t offset)
{
	return region->start - pmem->start.value + offset;
}

/* KVM answers loads from the slot; this one is only for loads that it chooses to bring to us. */
static uint64_t refused_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	const struct pmem *pmem = &container_of(region, struct pmem_slot, refused)->pmem;
	uint64_t value = 0;

	memcpy(&value, pmem->backing->host + refused_offset(region, pmem, offset), size);
	return value;
}

static void run_store(struct event_call *call)
{
	struct store *store = container_of(call, struct store, call);

	pmem_store(store->pmem, store->offset, &store->value, store->size);
}

static void refused_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct pmem *pmem = &container_of(region, struct pmem_slot, refused)->pmem;
	struct store store = {
		.call.run = run_store,
		.pmem = pmem,
		.offset = refused_offset(region, pmem, offset),
		.size = size,
		.value = value,
	};

	event_loop_call(pmem->loop, &store.call);
}

static const struct bus_ops refused_ops = { .read = refused_read, .write = refused_write };

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
		return error_set(err, -ret, "--pmem %s: no place in guest memory: %s",
				 backing->path, strerror(-ret));
	return 0;
}

int pmem_slot_init(struct pmem_slot *slot, unsigned number, const char *id,
		   struct pmem_backing *backing, gpa_t start, struct event_loop *loop,
		   const struct guest_memory *mem, const struct register_pages *pages,
		   struct error *err)
{
	uint64_t writable = backing->writable_size;

	pmem_init(&slot->pmem, id, backing, start, loop, mem);
	slot->refused = (struct bus_region){ start.value + writable, backing->size - writable,
					     &refused_ops };
	return virtio_slot_init(&slot->slot, number, &slot->pmem.virtio, loop, pages, err);
}

int pmem_slot_start(struct pmem_slot *slot, struct bus *mmio_bus, struct error *err)
{
	struct bus_region *refused = slot->refused.size ? &slot->refused : NULL;

	return virtio_slot_start(&slot->slot, mmio_bus, refused, err);
}

void pmem_slot_fini(struct pmem_slot *slot)
{
	if (slot->pmem.loop)
		event_loop_unregister(slot->pmem.loop, slot->pmem.backing->fd);
	virtio_slot_fini(&slot->slot);
}
