/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of a start is spent. There are marks along the way; the guest itself makes the
 * last ones, with a byte to port LAYOUT_BOOT_TIMER_PORT or register LAYOUT_BOOT_TIMER_BASE.
 * --boot-timer prints them as a table, and --result has them.
 */
#pragma once

#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"
#include "vmm/kvm/bus.h"

#include <stdbool.h>
#include <stdint.h>

enum boot_mark {
	BOOT_MARK_EXEC,	      /* estimated: main, minus the CPU time used until then */
	BOOT_MARK_MAIN,	      /* main was entered */
	BOOT_MARK_PLANNED,    /* options parsed, images opened and inspected */
	BOOT_MARK_CREATED,    /* VM, devices and vCPUs made */
	BOOT_MARK_LOADED,     /* kernel and tables in guest memory */
	BOOT_MARK_ENTERED,    /* vCPUs let into the guest */
	BOOT_MARK_GUEST,      /* the guest wrote 1: its first instruction */
	BOOT_MARK_USER_SPACE, /* the guest wrote 2: its init */
	BOOT_MARK_END,	      /* the guest ended */
	BOOT_MARKS,
};

struct boot_timer_listener {
	/* The guest made BOOT_MARK_USER_SPACE, for the first time. On a vCPU's thread. */
	void (*user_space)(struct boot_timer_listener *listener);
};

struct boot_timer {
	struct bus_region port, byte;
	struct boot_timer_listener *listener; /* borrowed, or NULL; set before the guest runs */
	uint64_t ns[BOOT_MARKS];	      /* CLOCK_MONOTONIC; 0: not reached. Atomic. */
};

/* Marks BOOT_MARK_EXEC and BOOT_MARK_MAIN; main calls it first. */
void boot_timer_init(struct boot_timer *timer);

/*
 * Sets a mark to the current time. Only the first call for a mark counts, and returns true. From
 * any thread.
 */
bool boot_timer_mark(struct boot_timer *timer, enum boot_mark mark);

/* The phase that the last mark ends, as static text. */
const char *boot_timer_phase(const struct boot_timer *timer);

/* Prints the table to standard error. */
void boot_timer_print(const struct boot_timer *timer);

/*
 * Save and load which marks the guest has made. It makes each of them once, so what it has told
 * before the save is told again after the load, to the listener, too: its user space is up from
 * then on. A mark that this VM has already keeps its time.
 */
void boot_timer_save(const struct boot_timer *timer, struct state_writer *writer);
void boot_timer_load(struct boot_timer *timer, struct state_reader *reader);
