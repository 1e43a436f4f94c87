/* SPDX-License-Identifier: Apache-2.0 */
/* Time: how long a TSC cycle is. Start reading at clock_init. */
#pragma once

#include <stdint.h>

/* TSC cycles after which a wait has failed: timeout= in milliseconds, 10 s by default. */
extern uint64_t clock_timeout;

/* Asks kvm-clock, else CPUID, for the frequency; 1 GHz where both are silent. */
void clock_init(void);

/* Where clock_init had the frequency from. */
const char *clock_source(void);

uint64_t clock_ns(uint64_t cycles);

/* What kvm-clock tells, in nanoseconds; 0 if there is none. */
uint64_t clock_kvm(void);

/* The other way round, to a third of a percent. */
uint64_t clock_cycles(uint64_t ns);
