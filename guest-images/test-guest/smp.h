/* SPDX-License-Identifier: Apache-2.0 */
/* The other CPUs: they are started once, sleep, and run a function when told to. */
#pragma once

#include <asm/bootparam.h>
#include <stdint.h>

typedef void smp_work(unsigned cpu);

/* Remembers the page below 1 MiB in which the others can wake up: the last of e820's low RAM. */
void smp_init(const struct boot_params *params);

/* Starts every CPU of @machine that does not run yet. Returns NULL, or which one did not report. */
const char *smp_start(void);

/* Resets the CPU with this index, and starts it in real mode in the page below 1 MiB with this
 * number. */
void smp_start_at(unsigned cpu, uint8_t page);

/* Runs @work on the CPU with this index in machine.apic_ids, which must not be the caller's. */
void smp_run(unsigned cpu, smp_work *work);

/* Waits for it to end. False if that takes longer than timeout=. */
_Bool smp_wait(unsigned cpu);
