/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog, where the machine describes one. */
#ifndef TEST_GUEST_WATCHDOG_H
#define TEST_GUEST_WATCHDOG_H

/* The test "watchdog": it does not bite who sees to it, nor after it was stopped. */
const char *watchdog_check(void);

/* Starts it, with seconds=1. */
void watchdog_start(void);

#endif
