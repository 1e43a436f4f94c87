// SPDX-License-Identifier: Apache-2.0
/* Copies into the ring and out of it, in two pieces where the ring's end lies between. */
#include "vmm/base/ring.h"

#include <assert.h>
#include <string.h>

/* The index of the byte that a counter points at. */
static uint32_t index_of(uint32_t counter, uint32_t size)
{
	assert((size & (size - 1)) == 0); /* otherwise the index jumps when the counter wraps */
	return counter & (size - 1);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t ring_put(struct ring *ring, uint8_t *bytes, uint32_t size, const void *from, uint32_t len)
{
	uint32_t n = least(len, size - ring_count(ring)), at = index_of(ring->put, size);
	uint32_t first = least(n, size - at);

	memcpy(bytes + at, from, first);
	memcpy(bytes, (const uint8_t *)from + first, n - first);
	ring->put += n;
	return n;
}

const uint8_t *ring_next(const struct ring *ring, const uint8_t *bytes, uint32_t size,
			 uint32_t *ret_len)
{
	uint32_t at = index_of(ring->taken, size);

	*ret_len = least(ring_count(ring), size - at);
	return bytes + at;
}

uint32_t ring_take(struct ring *ring, const uint8_t *bytes, uint32_t size, void *to, uint32_t max)
{
	uint32_t n = least(max, ring_count(ring)), at = index_of(ring->taken, size);
	uint32_t first = least(n, size - at);

	memcpy(to, bytes + at, first);
	memcpy((uint8_t *)to + first, bytes, n - first);
	ring_drop(ring, n);
	return n;
}
