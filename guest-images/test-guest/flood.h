/* SPDX-License-Identifier: Apache-2.0 */
/* The test "flood": many flushes outstanding, on all devices, from all CPUs, at once. */
#ifndef TEST_GUEST_FLOOD_H
#define TEST_GUEST_FLOOD_H

/* NULL, or the reason why it failed. */
const char *flood_run(void);

#endif
