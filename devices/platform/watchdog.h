/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watchdog with the registers of layout.h, which a WDAT tells Linux how to use: once it runs, the
 * guest has to write to it again and again, or it bites. All on the event loop's thread.
 */
#ifndef MVMM_DEVICES_WATCHDOG_H
#define MVMM_DEVICES_WATCHDOG_H

#include "vmm/base/event_loop.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

struct watchdog_ops {
	/* The time is over. It bites once, unless watchdog_renew comes. */
	void (*bites)(struct watchdog *watchdog);
};

struct watchdog {
	const struct watchdog_ops *ops;
	struct event_loop *loop; /* borrowed */
	struct event_op op;
	struct __kernel_timespec delay;
	bool waits; /* @op is in flight */
	bool runs;
	uint32_t seconds;
	uint64_t due_ns; /* while it runs: CLOCK_MONOTONIC */
};

/* It does not run. */
void watchdog_init(struct watchdog *watchdog, const struct watchdog_ops *ops,
		   struct event_loop *loop);

/* A 32-bit access to the register at @offset; what is undefined reads as 0. */
uint32_t watchdog_read(const struct watchdog *watchdog, uint64_t offset);
void watchdog_write(struct watchdog *watchdog, uint64_t offset, uint32_t value);

/* Gives a guest that could not write to it the whole time again. Takes a zeroed one. */
void watchdog_renew(struct watchdog *watchdog);

#endif
