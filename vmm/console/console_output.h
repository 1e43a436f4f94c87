/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest wrote for one place of its console and nobody has taken yet, within bounds: a ring
 * of bytes, a limit in time, and what is dropped beyond them. It has no lock; who calls it does.
 *
 * A place that takes less than the guest writes fills the ring. Then the guest is asked to wait; if
 * half of the ring has not been taken when console_output_lose_patience is called, what the guest
 * writes is dropped until all of it has been. So a reader that is merely slower than a burst loses
 * nothing, and one that is stuck holds up nobody. What goes beyond @rate is dropped at once. A line
 * "[N bytes dropped]" stands in its place. Start reading at console_output_put.
 */
#ifndef MVMM_VMM_CONSOLE_OUTPUT_H
#define MVMM_VMM_CONSOLE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_BUFFER_SIZE 65536

/* Zeroed it is empty and has no limit in time. */
struct console_output {
	uint64_t rate;			    /* bytes in a second; 0: as many as come */
	uint8_t bytes[CONSOLE_BUFFER_SIZE]; /* a ring */
	unsigned start, count;
	bool held;	     /* the guest is asked to wait, */
	uint64_t held_since; /* since then, in ns of CLOCK_MONOTONIC */
	bool stuck;	     /* all is dropped until the ring is empty */
	uint64_t second;     /* when the one began that @rate counts in */
	uint64_t in_second;  /* bytes taken in it */
	uint64_t dropped;    /* bytes in all, */
	uint64_t untold;     /* and since the last line that says so */
};

/* How many bytes it takes without dropping any; 0: wait. */
unsigned console_output_room(const struct console_output *out);

/* Adds as much as there is room for and drops the rest. */
void console_output_put(struct console_output *out, const uint8_t *bytes, unsigned len);

/* Adds the line about what was dropped, if one is due, and there is room for it. */
void console_output_tell_dropped(struct console_output *out);

/* The oldest bytes, up to the ring's end, and how many these are; others may be added meanwhile. */
const uint8_t *console_output_next(const struct console_output *out, unsigned *ret_len);

/* The @n oldest bytes have been taken; returns whether the guest need wait no more. */
bool console_output_take(struct console_output *out, unsigned n);

/* The guest, which is held, has waited for long enough. */
void console_output_lose_patience(struct console_output *out);

/* Nobody wants what is there, nor to hear of what was dropped. */
void console_output_clear(struct console_output *out);

#endif
