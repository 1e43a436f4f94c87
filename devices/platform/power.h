/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's ways to end itself: the power-off, reset and exit registers of layout.h, which ACPI
 * and the device tree describe alike, and pvpanic, by which a kernel says that it panicked; those
 * of a PC are in power_x86.h. A request is made on whichever thread wrote the register.
 */
#pragma once

#include <stdint.h>

enum power_request {
	POWER_OFF,
	POWER_RESET,
	POWER_EXIT,  /* with the status that the guest chose */
	POWER_PANIC, /* the guest's kernel panicked */
	POWER_CRASH, /* the same, but it goes on with a crash kernel that it has loaded */
};

struct power;

struct power_ops {
	/* @status, of POWER_EXIT, is any number that the guest has written, else 0. */
	void (*request)(struct power *power, enum power_request request, uint64_t status);
};

struct power {
	const struct power_ops *ops;
};

/* A register access at @offset of LAYOUT_POWER_BASE, of any width; what is undefined reads as 0. */
uint64_t power_read(struct power *power, uint64_t offset);
void power_write(struct power *power, uint64_t offset, uint64_t value);

/* The exit register, a byte: the status. */
void power_exit_write(struct power *power, uint64_t offset, uint64_t value);

/*
 * pvpanic's event register (QEMU's docs/specs/pvpanic): it reads as the events that it supports.
 * A write reports events, of which the first known one counts. A second byte exists and does
 * nothing.
 */
uint64_t power_panic_read(struct power *power, uint64_t offset);
void power_panic_write(struct power *power, uint64_t offset, uint64_t value);
