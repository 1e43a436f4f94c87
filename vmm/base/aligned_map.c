// SPDX-License-Identifier: Apache-2.0
/* Maps more than is needed and unmaps the part that is not aligned. */
#include "vmm/base/aligned_map.h"

#include <stddef.h>
#include <sys/mman.h>

void *aligned_map(uint64_t size, int prot)
{
	size_t span = size + ALIGNED_MAP_ALIGN;
	uint8_t *base = mmap(NULL, span, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (base == MAP_FAILED)
		return NULL;
	before = (size_t)(-(uintptr_t)base & (ALIGNED_MAP_ALIGN - 1));
	if (before)
		munmap(base, before);
	munmap(base + before + size, ALIGNED_MAP_ALIGN - before);
	return base + before;
}
