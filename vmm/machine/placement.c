// SPDX-License-Identifier: Apache-2.0
/* Places memory devices. Start reading at placement_add. */
#include "vmm/machine/placement.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SLOT_ROOM (1ULL << 30)

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static uint64_t ram_end(uint64_t ram)
{
	return ram > LAYOUT_LOW_RAM_MAX ? LAYOUT_ABOVE_4G + (ram - LAYOUT_LOW_RAM_MAX) : ram;
}

uint64_t placement_base(uint64_t ram)
{
	uint64_t end = ram_end(ram);

	return round_up(end > LAYOUT_ABOVE_4G ? end : LAYOUT_ABOVE_4G, LAYOUT_PMEM_BASE_ALIGN);
}

/* @last is the highest address that is needed. */
static int check_width(const struct placement *p, uint64_t last, struct error *err)
{
	uint64_t limit = 1ULL << p->phys_bits;

	if (last < limit)
		return 0;
	return error_set(err, EINVAL,
			 "Address space limit 0x%" PRIx64 " < 0x%" PRIx64 " phys-bits too low (%u)",
			 limit - 1, last, p->phys_bits);
}

int placement_init(struct placement *placement, const struct placement_options *options,
		   struct error *err)
{
	struct placement p = {
		.base = placement_base(options->ram),
		.bounded = options->maxmem > 0,
		.phys_bits = options->phys_bits,
	};
	uint64_t limit = 1ULL << p.phys_bits;
	int ret = check_width(&p, ram_end(options->ram) - 1, err);

	if (ret < 0)
		return ret;
	if (p.bounded) {
		p.space = options->maxmem - options->ram;
		p.size = p.space ? p.space + options->slots * SLOT_ROOM : 0;
	} else {
		p.space = p.size = limit > p.base ? limit - p.base : 0;
	}
	*placement = p;
	return 0;
}

uint64_t placement_used(const struct placement *placement)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < placement->n_devices; i++)
		used += placement->devices[i].size;
	return used;
}

static int check_space(const struct placement *p, uint64_t size, struct error *err)
{
	uint64_t used = placement_used(p);

	if (p->n_devices == PLACEMENT_MAX_DEVICES)
		return error_set(err, ENOSPC, "hypervisor has no free memory slots left");
	/* An unbounded region that is full exceeds the address width, whose text is better. */
	if (p->bounded && size > p->space - used)
		return error_set(err, ENOSPC,
				 "not enough space, currently 0x%" PRIx64
				 " in use of total space for memory devices 0x%" PRIx64,
				 used, p->space);
	return 0;
}

static int check_form(const struct placement *p, const struct placement_request *r,
		      struct error *err)
{
	if (r->fixed && r->addr % r->align)
		return error_set(err, EINVAL, "address must be aligned to 0x%" PRIx64 " bytes",
				 r->align);
	if (r->fixed &&
	    (r->addr < p->base ||
	     (p->bounded && (r->size > p->size || r->addr - p->base > p->size - r->size))))
		return error_set(err, EINVAL,
				 "can't add memory device [0x%" PRIx64 ":0x%" PRIx64
				 "], usable range for memory devices [0x%" PRIx64 ":0x%" PRIx64 "]",
				 r->addr, r->size, p->base, p->size);
	return 0;
}

static bool overlaps(const struct placement_device *d, uint64_t start, uint64_t size)
{
	return start < d->start + d->size && d->start < start + size;
}

static int check_free(const struct placement *p, const struct placement_request *r,
		      struct error *err)
{
	for (unsigned i = 0; i < p->n_devices; i++)
		if (overlaps(&p->devices[i], r->addr, r->size))
			return error_set(err, EINVAL,
					 "address range conflicts with memory device id='%s'",
					 p->devices[i].id);
	return 0;
}

/* First fit: goes behind each device in the way. placement_add prevents overflow. */
static uint64_t find_place(const struct placement *p, const struct placement_request *r)
{
	uint64_t start = round_up(p->base, r->align);

	for (unsigned i = 0; i < p->n_devices; i++)
		if (overlaps(&p->devices[i], start, r->size))
			start = round_up(p->devices[i].start + p->devices[i].size, r->align);
	return start;
}

static void insert(struct placement *p, const struct placement_request *r, uint64_t start)
{
	unsigned i = p->n_devices;

	while (i > 0 && p->devices[i - 1].start > start)
		i--;
	memmove(&p->devices[i + 1], &p->devices[i], (p->n_devices - i) * sizeof(p->devices[0]));
	p->devices[i] = (struct placement_device){ r->id, start, r->size };
	p->n_devices++;
}

int placement_add(struct placement *placement, const struct placement_request *request,
		  uint64_t *ret_start, struct error *err)
{
	const struct placement_request *r = request;
	uint64_t start = r->addr, end;
	int ret;

	if (!placement->size)
		return error_set(err, ENOSPC,
				 "memory devices (e.g. for memory hotplug) are not enabled, please "
				 "specify the maxmem option");
	/* Beyond any address width. Refused, so that sums below cannot overflow. */
	if (r->size >> 60 || r->align >> 60 || __builtin_add_overflow(start, r->size, &end))
		return error_set(err, EINVAL, "can't add memory device, device too big");
	ret = check_space(placement, r->size, err);
	if (ret == 0)
		ret = check_form(placement, r, err);
	if (ret == 0 && r->fixed)
		ret = check_free(placement, r, err);
	if (ret < 0)
		return ret;
	if (!r->fixed)
		start = find_place(placement, r);
	if (placement->bounded && (start - placement->base > placement->size ||
				   r->size > placement->size - (start - placement->base)))
		return error_set(err, ENOSPC,
				 "could not find position in guest address space for memory device "
				 "- memory fragmented due to alignments");
	ret = check_width(placement, start + r->size - 1, err);
	if (ret < 0)
		return ret;
	insert(placement, r, start);
	*ret_start = start;
	return 0;
}

void placement_remove(struct placement *placement, uint64_t start)
{
	struct placement_device *d = placement->devices;
	unsigned i = 0;

	while (i < placement->n_devices && d[i].start != start)
		i++;
	if (i == placement->n_devices)
		return;
	placement->n_devices--;
	memmove(&d[i], &d[i + 1], (placement->n_devices - i) * sizeof(d[0]));
}

void placement_close(struct placement *placement)
{
	if (!placement->bounded)
		placement->space = placement->size = 0;
}
