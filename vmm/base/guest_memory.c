// SPDX-License-Identifier: Apache-2.0
/* Bounds-checked access to guest memory, and the only place that computes its host addresses. */
#include "vmm/base/guest_memory.h"

#include "vmm/base/guarded_copy.h"

#include <errno.h>
#include <string.h>

int guest_memory_add(struct guest_memory *mem, gpa_t start, uint64_t size, void *host,
		     enum guest_region_kind kind)
{
	uint64_t end;
	unsigned i;

	if (!size || __builtin_add_overflow(start.value, size, &end))
		return -EINVAL;
	if (mem->count == GUEST_MEMORY_MAX_REGIONS)
		return -ENOSPC;
	for (i = 0; i < mem->count; i++) {
		const struct guest_region *r = &mem->regions[i];

		if (end <= r->start.value)
			break;
		if (start.value < r->start.value + r->size)
			return -EEXIST;
	}
	memmove(&mem->regions[i + 1], &mem->regions[i], (mem->count - i) * sizeof(mem->regions[0]));
	mem->regions[i] = (struct guest_region){ start, size, host, kind };
	mem->count++;
	return 0;
}

void guest_memory_remove(struct guest_memory *mem, gpa_t start, uint64_t size)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < mem->count; i++)
		if (mem->regions[i].start.value - start.value >= size)
			mem->regions[kept++] = mem->regions[i];
	mem->count = kept;
}

/* The region that holds all @len bytes at @addr; NULL if no single region does. */
static const struct guest_region *find_region(const struct guest_memory *mem, gpa_t addr,
					      uint64_t len)
{
	for (unsigned i = 0; i < mem->count; i++) {
		const struct guest_region *r = &mem->regions[i];
		uint64_t off = addr.value - r->start.value;

		if (addr.value < r->start.value)
			return NULL;
		if (off < r->size)
			return len <= r->size - off ? r : NULL;
	}
	return NULL;
}

static uint8_t *host_address(const struct guest_region *r, gpa_t addr)
{
	return r->host + (addr.value - r->start.value);
}

/* The host may be unable to supply a page of a file, but never one of RAM. */
static int copy(const struct guest_region *r, void *to, const void *from, size_t len)
{
	if (r->kind != GUEST_RAM)
		return guarded_copy(to, from, len);
	memcpy(to, from, len);
	return 0;
}

int guest_memory_read(const struct guest_memory *mem, gpa_t addr, void *buf, size_t len)
{
	const struct guest_region *r = find_region(mem, addr, len);

	if (!r)
		return -EFAULT;
	return copy(r, buf, host_address(r, addr), len);
}

int guest_memory_write(const struct guest_memory *mem, gpa_t addr, const void *buf, size_t len)
{
	const struct guest_region *r = find_region(mem, addr, len);

	if (!r || r->kind == GUEST_PMEM_READONLY)
		return -EFAULT;
	return copy(r, host_address(r, addr), buf, len);
}

void *guest_memory_ram(const struct guest_memory *mem, gpa_t addr, uint64_t len)
{
	const struct guest_region *r = find_region(mem, addr, len);

	return r && r->kind == GUEST_RAM ? host_address(r, addr) : NULL;
}

void *guest_memory_host(const struct guest_memory *mem, gpa_t addr, uint64_t len, bool writable)
{
	const struct guest_region *r = find_region(mem, addr, len);

	return r && !(writable && r->kind == GUEST_PMEM_READONLY) ? host_address(r, addr) : NULL;
}

bool guest_memory_valid(const struct guest_memory *mem, gpa_t addr, uint64_t len, bool writable,
			bool *ret_file)
{
	const struct guest_region *r = find_region(mem, addr, len);

	if (!r || (writable && r->kind == GUEST_PMEM_READONLY))
		return false;
	if (ret_file)
		*ret_file = r->kind != GUEST_RAM;
	return true;
}
