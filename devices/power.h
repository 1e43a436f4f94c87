/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's ways to end itself: the power-off and reset registers of layout.h, which ACPI and the
 * device tree describe alike, and the keyboard controller's reset pulse (port 0x64), Linux's last
 * resort. A request is made on whichever thread wrote the register.
 */
#ifndef MVMM_DEVICES_POWER_H
#define MVMM_DEVICES_POWER_H

#include <stdint.h>

enum power_request { POWER_OFF, POWER_RESET };

struct power;

struct power_ops {
	void (*request)(struct power *power, enum power_request request);
};

struct power {
	const struct power_ops *ops;
};

/* A register access at @offset of LAYOUT_POWER_BASE, of any width; what is undefined reads as 0. */
uint64_t power_read(struct power *power, uint64_t offset);
void power_write(struct power *power, uint64_t offset, uint64_t value);

/* Port LAYOUT_I8042_PORT: always ready for a command; 0xfe pulses the reset line. */
uint8_t power_i8042_read(struct power *power);
void power_i8042_write(struct power *power, uint8_t value);

#endif
