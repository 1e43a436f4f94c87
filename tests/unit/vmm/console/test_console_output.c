// SPDX-License-Identifier: Apache-2.0
/* What is kept of a guest's output, what is dropped, and when it has to wait. */
#include "vmm/console/console_output.h"

#include "tests/support/check.h"
#include "vmm/base/clock.h"

#include <string.h>

TestSuite(console_output, .timeout = 10);

static struct console_output out;
static uint8_t bytes[2 * CONSOLE_BUFFER_SIZE];

static void setup(void)
{
	memset(&out, 0, sizeof(out));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % 251);
}

/* Takes all that is there, as text. */
static const char *take_text(void)
{
	static char text[256];
	unsigned len, used = 0;

	for (const uint8_t *next = console_output_next(&out, &len); len;
	     next = console_output_next(&out, &len)) {
		cr_assert(used + len < sizeof(text));
		memcpy(text + used, next, len);
		used += len;
		console_output_take(&out, len);
	}
	text[used] = '\0';
	return text;
}

/* Every byte comes out once and in order, wherever the ring ends. */
Test(console_output, ring, .init = setup)
{
	unsigned put = 100, taken = 0, len;

	/* It is never empty, so that it does not begin anew. */
	console_output_put(&out, bytes, put);
	for (unsigned step = 1; step < 3000; step += 7) {
		const uint8_t *next;

		check_eq(console_output_room(&out), CONSOLE_BUFFER_SIZE - (put - taken));
		console_output_put(&out, bytes + put % 251, step);
		put += step;
		next = console_output_next(&out, &len);
		cr_assert(next >= out.bytes && next + len <= out.bytes + CONSOLE_BUFFER_SIZE);
		len = len < step ? len : step;
		cr_assert(memcmp(next, bytes + taken % 251, len) == 0, "step %u", step);
		console_output_take(&out, len);
		taken += len;
	}
	cr_assert(put > 4 * CONSOLE_BUFFER_SIZE);
	check_eq(out.dropped, 0);
}

Test(console_output, full_one_is_held_until_half_is_taken, .init = setup)
{
	console_output_put(&out, bytes, CONSOLE_BUFFER_SIZE - 1);
	check_eq(console_output_room(&out), 1);
	check_eq(out.held, false);
	console_output_put(&out, bytes, 3);
	check_eq(out.dropped, 2);
	check_eq(console_output_room(&out), 0);
	check_eq(out.held, true);
	check_eq(console_output_take(&out, CONSOLE_BUFFER_SIZE / 2 - 1), false);
	check_eq(console_output_room(&out), 0);
	check_eq(console_output_take(&out, 1), true);
	check_eq(console_output_room(&out), CONSOLE_BUFFER_SIZE / 2);
	check_eq(console_output_take(&out, 1), false, "it waits no more");
}

Test(console_output, stuck_one_drops_until_it_is_empty, .init = setup)
{
	console_output_put(&out, bytes, CONSOLE_BUFFER_SIZE);
	console_output_lose_patience(&out);
	check_eq(console_output_room(&out), UINT32_MAX);
	console_output_put(&out, bytes, 5);
	check_eq(console_output_take(&out, CONSOLE_BUFFER_SIZE - 1), false);
	console_output_put(&out, bytes, 7);
	check_eq(out.dropped, 12);
	check_eq(out.held, false);
	check_eq(console_output_take(&out, 1), false);
	console_output_put(&out, (const uint8_t *)"on", 2);
	check_str(take_text(), "\n[12 bytes dropped]\non");
	check_eq(out.dropped, 12);
}

Test(console_output, line_about_what_was_dropped_needs_room, .init = setup)
{
	unsigned line = (unsigned)strlen("\n[1 bytes dropped]\n"), len;

	console_output_put(&out, bytes, CONSOLE_BUFFER_SIZE + 1);
	console_output_report_dropped(&out);
	check_eq(out.unreported, 1);
	console_output_take(&out, line - 1);
	console_output_report_dropped(&out);
	check_eq(out.unreported, 1);
	console_output_take(&out, 1);
	console_output_report_dropped(&out);
	check_eq(out.unreported, 0);
	check_eq(ring_count(&out.ring), CONSOLE_BUFFER_SIZE);
	console_output_take(&out, CONSOLE_BUFFER_SIZE - line);
	check_str(take_text(), "\n[1 bytes dropped]\n");
	console_output_report_dropped(&out);
	check_eq(ring_count(&out.ring), 0, "once");
	cr_assert(console_output_next(&out, &len) == out.bytes, "an empty one begins anew");
}

Test(console_output, rate, .init = setup)
{
	out.rate = 10;
	console_output_put(&out, (const uint8_t *)"abcdefgh", 8);
	console_output_put(&out, (const uint8_t *)"ijklmnop", 8);
	check_eq(out.dropped, 6);
	check_eq(console_output_room(&out), CONSOLE_BUFFER_SIZE - 10, "the guest does not wait");
	check_str(take_text(), "abcdefghij");
	/* A second later. */
	out.second -= NS_PER_S;
	console_output_put(&out, (const uint8_t *)"xyz", 3);
	check_str(take_text(), "\n[6 bytes dropped]\nxyz");
}

Test(console_output, clear, .init = setup)
{
	console_output_put(&out, bytes, CONSOLE_BUFFER_SIZE + 4);
	console_output_clear(&out);
	check_eq(console_output_room(&out), CONSOLE_BUFFER_SIZE);
	check_eq(out.dropped, 4, "for the report");
	console_output_put(&out, (const uint8_t *)"next", 4);
	check_str(take_text(), "next");
}
