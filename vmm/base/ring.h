/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes, in memory that its owner has and passes with each call: @size bytes at @bytes, a
 * power of two. The ring itself is two counters, so a zeroed one is empty, and it can be moved.
 */
#pragma once

#include <stdint.h>

/* Counts of all bytes so far; both wrap. */
struct ring {
	uint32_t put;
	uint32_t taken;
};

static inline uint32_t ring_count(const struct ring *ring)
{
	return ring->put - ring->taken;
}

/* Puts in as many of the @len bytes at @from as fit; returns how many. */
uint32_t ring_put(struct ring *ring, uint8_t *bytes, uint32_t size, const void *from, uint32_t len);

/* The oldest bytes, and in @ret_len how many of them are contiguous. */
const uint8_t *ring_next(const struct ring *ring, const uint8_t *bytes, uint32_t size,
			 uint32_t *ret_len);

/* Removes the @n oldest bytes; the ring must have as many. */
static inline void ring_drop(struct ring *ring, uint32_t n)
{
	ring->taken += n;
}

/* Moves up to @max of the oldest bytes to @to; returns how many. */
uint32_t ring_take(struct ring *ring, const uint8_t *bytes, uint32_t size, void *to, uint32_t max);
