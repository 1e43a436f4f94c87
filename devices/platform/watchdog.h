/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watchdog with the registers of layout.h, whose use a WDAT describes to Linux. Once it runs,
 * the guest has to write to it again and again, or it expires. All on the event loop's thread.
 */
#pragma once

#include "vmm/base/event_loop.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

struct watchdog_ops {
	/* The time is over. Called once, and again only after watchdog_renew. */
	void (*expired)(struct watchdog *watchdog);
};

struct watchdog {
	const struct watchdog_ops *ops;
	struct event_loop *loop; /* borrowed */
	struct event_timer timer;
	bool runs;
	uint32_t seconds;
};

/* It does not run. */
void watchdog_init(struct watchdog *watchdog, const struct watchdog_ops *ops,
		   struct event_loop *loop);

/* A 32-bit access to the register at @offset; what is undefined reads as 0. */
uint32_t watchdog_read(const struct watchdog *watchdog, uint64_t offset);
void watchdog_write(struct watchdog *watchdog, uint64_t offset, uint32_t value);

/* Starts the whole time again, for a guest that could not write. Accepts a zeroed one. */
void watchdog_renew(struct watchdog *watchdog);

/*
 * Save and load whether it runs, and for how long. The time that was left is not saved: after the
 * load it has the whole time, as after watchdog_renew.
 */
void watchdog_save(const struct watchdog *watchdog, struct state_writer *writer);
void watchdog_load(struct watchdog *watchdog, struct state_reader *reader);
