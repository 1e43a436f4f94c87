// SPDX-License-Identifier: Apache-2.0
/* The ring and its limits. Start reading at console_output_put and console_output_take. */
#include "vmm/console/console_output.h"

#include "vmm/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000ULL

unsigned console_output_room(const struct console_output *o)
{
	if (o->stuck)
		return UINT32_MAX;
	return o->held ? 0 : CONSOLE_BUFFER_SIZE - o->count;
}

/* Returns how many bytes there was room for. */
static unsigned fill(struct console_output *o, const uint8_t *bytes, unsigned len)
{
	unsigned room = CONSOLE_BUFFER_SIZE - o->count;

	if (len > room)
		len = room;
	for (unsigned done = 0; done < len;) {
		unsigned end = (o->start + o->count) % CONSOLE_BUFFER_SIZE, n = len - done;

		if (n > CONSOLE_BUFFER_SIZE - end)
			n = CONSOLE_BUFFER_SIZE - end;
		memcpy(o->bytes + end, bytes + done, n);
		o->count += n;
		done += n;
	}
	return len;
}

void console_output_tell_dropped(struct console_output *o)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "\n[%" PRIu64 " bytes dropped]\n", o->untold);

	if (!o->untold || (unsigned)len > CONSOLE_BUFFER_SIZE - o->count)
		return;
	o->untold = 0;
	fill(o, (const uint8_t *)line, (unsigned)len);
}

/* What of @len bytes @rate allows now. */
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
		console_output_tell_dropped(o);
		n = fill(o, bytes, n);
	}
	o->dropped += len - n;
	o->untold += len - n;
	if (o->count < CONSOLE_BUFFER_SIZE || o->held || o->stuck)
		return;
	o->held = true;
	o->held_since = clock_now_ns(CLOCK_MONOTONIC);
}

const uint8_t *console_output_next(const struct console_output *o, unsigned *ret_len)
{
	unsigned len = CONSOLE_BUFFER_SIZE - o->start;

	*ret_len = len < o->count ? len : o->count;
	return o->bytes + o->start;
}

bool console_output_take(struct console_output *o, unsigned n)
{
	o->count -= n;
	o->start = o->count ? (o->start + n) % CONSOLE_BUFFER_SIZE : 0;
	if (o->stuck && o->count == 0) {
		o->stuck = false;
		console_output_tell_dropped(o);
	}
	if (!o->held || o->count > CONSOLE_BUFFER_SIZE / 2)
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
	o->start = o->count = 0;
	o->held = o->stuck = false;
	o->untold = 0;
}
