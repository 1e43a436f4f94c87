/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's output for one console sink, in a bounded buffer: a ring of bytes, a time limit, and
 * counts of what is dropped beyond them. It has no lock; its callers do.
 *
 * If a sink is slower than the guest, the ring fills. Then the guest is asked to wait. If less than
 * half of the ring has been taken when console_output_lose_patience is called, the guest's output
 * is dropped until all of the ring has been taken. So a reader that is only slower than a burst
 * loses nothing, and a stuck reader holds up nobody. Output beyond @rate is dropped at once. A line
 * "[N bytes dropped]" stands in its place. Start reading at console_output_put.
 */
#pragma once

#include "vmm/base/ring.h"

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_BUFFER_SIZE 65536

/* Zeroed it is empty and has no limits. */
struct console_output {
	uint64_t rate; /* bytes per second; 0: no limit */
	uint8_t bytes[CONSOLE_BUFFER_SIZE];
	struct ring ring;    /* in @bytes */
	bool held;	     /* the guest is asked to wait */
	bool stuck;	     /* all is dropped until the ring is empty */
	uint64_t second;     /* start of the second in which @rate counts */
	uint64_t in_second;  /* bytes added in it */
	uint64_t dropped;    /* bytes in all */
	uint64_t unreported; /* bytes since the last line about them */
};

/* How many bytes fit without dropping any; 0: wait. */
unsigned console_output_room(const struct console_output *out);

/* Adds as much as fits and drops the rest. */
void console_output_put(struct console_output *out, const uint8_t *bytes, unsigned len);

/* Adds the line about dropped bytes, if one is due and there is room for it. */
void console_output_report_dropped(struct console_output *out);

/* The oldest bytes, up to the ring's end, and their number; others may be added meanwhile. */
const uint8_t *console_output_next(const struct console_output *out, unsigned *ret_len);

/* Removes the @n oldest bytes; returns whether the guest need not wait any more. */
bool console_output_take(struct console_output *out, unsigned n);

/* The guest, which is held, has waited for long enough. */
void console_output_lose_patience(struct console_output *out);

/* Discards everything, also the count for the next line about dropped bytes. */
void console_output_clear(struct console_output *out);
