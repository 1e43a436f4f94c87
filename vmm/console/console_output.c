// SPDX-License-Identifier: Apache-2.0
/* The ring's limits. Start reading at console_output_put and console_output_take. */
#include "vmm/console/console_output.h"

#include "vmm/base/clock.h"

#include <inttypes.h>
#include <stdio.h>

unsigned console_output_room(const struct console_output *o)
{
	if (o->stuck)
		return UINT32_MAX;
	return o->held ? 0 : CONSOLE_BUFFER_SIZE - ring_count(&o->ring);
}

void console_output_report_dropped(struct console_output *o)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "\n[%" PRIu64 " bytes dropped]\n", o->unreported);

	if (!o->unreported || (unsigned)len > CONSOLE_BUFFER_SIZE - ring_count(&o->ring))
		return;
	o->unreported = 0;
	ring_put(&o->ring, o->bytes, CONSOLE_BUFFER_SIZE, line, (unsigned)len);
}

/* How many of @len bytes @rate allows now. */
static unsigned allowed(struct console_output *o, unsigned len)
{
	uint64_t now;

	if (!o->rate)
		return len;
	now = clock_now_ns(CLOCK_MONOTONIC);
	if (now - o->second >= NS_PER_S) {
		o->second = now;
		o->in_second = 0;
	}
	if (len > o->rate - o->in_second)
		len = (unsigned)(o->rate - o->in_second);
	o->in_second += len;
	return len;
}

void console_output_put(struct console_output *o, const uint8_t *bytes, unsigned len)
{
	unsigned n = 0;

	if (!o->stuck)
		n = allowed(o, len);
	if (n) {
		console_output_report_dropped(o);
		n = ring_put(&o->ring, o->bytes, CONSOLE_BUFFER_SIZE, bytes, n);
	}
	o->dropped += len - n;
	o->unreported += len - n;
	if (ring_count(&o->ring) == CONSOLE_BUFFER_SIZE && !o->stuck)
		o->held = true;
}

const uint8_t *console_output_next(const struct console_output *o, unsigned *ret_len)
{
	return ring_next(&o->ring, o->bytes, CONSOLE_BUFFER_SIZE, ret_len);
}

bool console_output_take(struct console_output *o, unsigned n)
{
	ring_drop(&o->ring, n);
	/* Start again at the first page, so that a guest that writes little touches few pages. */
	if (!ring_count(&o->ring))
		o->ring = (struct ring){ 0 };
	if (o->stuck && !ring_count(&o->ring)) {
		o->stuck = false;
		console_output_report_dropped(o);
	}
	if (!o->held || ring_count(&o->ring) > CONSOLE_BUFFER_SIZE / 2)
		return false;
	o->held = false;
	return true;
}

void console_output_lose_patience(struct console_output *o)
{
	o->held = false;
	o->stuck = true;
}

void console_output_clear(struct console_output *o)
{
	o->ring = (struct ring){ 0 };
	o->held = o->stuck = false;
	o->unreported = 0;
}
