/* SPDX-License-Identifier: Apache-2.0 */
/* The path of all CPUs but the first from real mode to C. */
#pragma once

#include <stdint.h>

/* What has to be copied to a page below 1 MiB, in which a CPU then wakes up. */
extern const char ap_entry[], ap_entry_end[];

/* The stack's end and the function that it then calls, which must not return; for one CPU at a
 * time. */
extern uint64_t ap_entry_stack;
extern void (*ap_entry_main)(void);
