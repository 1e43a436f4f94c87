// SPDX-License-Identifier: Apache-2.0
/* Rings against a plain run of bytes, wherever the memory and the counters end. */
#include "vmm/base/ring.h"

#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 16

/* With a byte before and behind that nobody may touch. */
static uint8_t memory[SIZE + 2];
static uint8_t *const bytes = memory + 1;
static struct ring ring;

static void setup(void)
{
	memset(memory, 0xee, sizeof(memory));
}

static uint32_t put_text(const char *text)
{
	return ring_put(&ring, bytes, SIZE, text, (uint32_t)strlen(text));
}

static const char *take_text(uint32_t max)
{
	static char text[SIZE + 1];

	text[ring_take(&ring, bytes, SIZE, text, max)] = '\0';
	return text;
}

static const char *next_text(void)
{
	static char text[SIZE + 1];
	uint32_t len;
	const uint8_t *at = ring_next(&ring, bytes, SIZE, &len);

	cr_assert(at >= bytes && at + len <= bytes + SIZE);
	memcpy(text, at, len);
	text[len] = '\0';
	return text;
}

Test(ring, zeroed_one_is_empty, .init = setup)
{
	check_eq(ring_count(&ring), 0);
	check_str(next_text(), "");
	check_str(take_text(SIZE), "");
	check_eq(put_text(""), 0);
	check_eq(ring_count(&ring), 0);
}

Test(ring, takes_what_there_is_room_for, .init = setup)
{
	check_eq(put_text("0123456789"), 10);
	check_eq(put_text("abcdefgh"), 6);
	check_eq(ring_count(&ring), SIZE);
	check_eq(put_text("x"), 0);
	check_str(take_text(SIZE + 5), "0123456789abcdef");
	check_eq(ring_count(&ring), 0);
}

Test(ring, pieces, .init = setup)
{
	put_text("0123456789");
	check_str(take_text(8), "01234567");
	put_text("abcdefghij");
	/* Up to the memory's end, then from its beginning. */
	check_str(next_text(), "89abcdef");
	ring_drop(&ring, 3);
	check_str(next_text(), "bcdef");
	ring_drop(&ring, 5);
	check_str(next_text(), "ghij");
	check_eq(ring_count(&ring), 4);
	check_str(take_text(2), "gh");
	check_str(take_text(5), "ij");
}

/* Steps of all lengths, from a place where the counters are about to wrap. */
Test(ring, same_as_a_run_of_bytes, .init = setup)
{
	char model[SIZE + 1] = "";
	unsigned seed = 1;

	ring = (struct ring){ UINT32_MAX - 500, UINT32_MAX - 500 };
	for (unsigned i = 0; i < 10000; i++) {
		size_t n = (size_t)rand_r(&seed) % (SIZE + 3), had = strlen(model);
		char text[SIZE + 4] = "";

		for (size_t k = 0; k < n; k++)
			text[k] = (char)('a' + (i + k) % 26);
		check_eq(put_text(text), n < SIZE - had ? n : SIZE - had);
		strncat(model, text, SIZE - had);
		check_eq(ring_count(&ring), strlen(model));
		cr_assert(strncmp(model, next_text(), strlen(next_text())) == 0);
		n = (size_t)rand_r(&seed) % (SIZE + 3);
		had = strlen(model) < n ? strlen(model) : n;
		memcpy(text, model, had);
		text[had] = '\0';
		check_str(take_text((uint32_t)n), text);
		memmove(model, model + had, strlen(model) - had + 1);
	}
	cr_assert(ring.put < 1u << 31, "the counters have wrapped");
	check_eq(memory[0], 0xee);
	check_eq(memory[SIZE + 1], 0xee);
}
