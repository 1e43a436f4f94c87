/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of a start goes: marks along the way, the last ones made by the guest itself with
 * a byte to port LAYOUT_BOOT_TIMER_PORT or register LAYOUT_BOOT_TIMER_BASE; printed as a table for
 * --boot-timer, and part of --result.
 */
#ifndef MVMM_VMM_BOOT_TIMER_H
#define MVMM_VMM_BOOT_TIMER_H

#include "vmm/kvm/bus.h"

#include <stdint.h>

enum boot_mark {
	BOOT_MARK_EXEC,	      /* estimated: main, less the CPU time used until then */
	BOOT_MARK_MAIN,	      /* main was entered */
	BOOT_MARK_PLANNED,    /* options parsed, images opened and looked at */
	BOOT_MARK_CREATED,    /* VM, devices and vCPUs made */
	BOOT_MARK_LOADED,     /* kernel and tables in guest memory */
	BOOT_MARK_ENTERED,    /* vCPUs let into the guest */
	BOOT_MARK_GUEST,      /* the guest wrote 1: its first instruction */
	BOOT_MARK_USER_SPACE, /* the guest wrote 2: its init */
	BOOT_MARK_END,	      /* the guest ended */
	BOOT_MARKS,
};

struct boot_timer {
	struct bus_region port, byte;
	uint64_t ns[BOOT_MARKS]; /* CLOCK_MONOTONIC; 0: not reached. Atomic. */
};

/* Marks BOOT_MARK_EXEC and BOOT_MARK_MAIN; the first thing that main does. */
void boot_timer_init(struct boot_timer *timer);

/* Notes the time; only the first call for a mark counts. From any thread. */
void boot_timer_mark(struct boot_timer *timer, enum boot_mark mark);

/* What the last mark that was made says is over: static text. */
const char *boot_timer_phase(const struct boot_timer *timer);

/* Prints the table to standard error. */
void boot_timer_print(const struct boot_timer *timer);

#endif
