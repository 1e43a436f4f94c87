/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PC's ways to end: the keyboard controller's reset pulse, Linux's last resort, and QEMU's
 * isa-debug-exit.
 */
#pragma once

#include "devices/platform/power.h"

/* Port LAYOUT_I8042_PORT: always ready for a command; 0xfe pulses the reset line. */
uint64_t power_x86_i8042_read(struct power *power, uint64_t offset);
void power_x86_i8042_write(struct power *power, uint64_t offset, uint64_t value);

/* Port LAYOUT_DEBUG_EXIT_PORT, any width: the status is (@value << 1) | 1. */
void power_x86_debug_exit_write(struct power *power, uint64_t offset, uint64_t value);
