/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts: the IDT, the local APIC and the IOAPIC. Start reading at interrupts_route. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define INTERRUPTS_PINS 24

/* @tsc is the time at which the CPU entered the handler's stub. */
typedef void interrupts_handler(void *arg, uint64_t tsc);

/* Ends the run, because of an exception that nothing can go on after. Must not return. */
typedef void interrupts_abort(const char *reason);

/* Builds the IDT and loads it. Works before any device is known. */
void interrupts_init(interrupts_abort *abort);

/* Lets @handler, which ends with IRETQ, take @vector on all CPUs, in place of a stub. */
void interrupts_set_gate(unsigned vector, const void *handler);

/* The IDT and the local APIC of the calling CPU, with a slow timer tick that bounds every wait. */
void interrupts_init_cpu(void);

/* Unmasks @pin of the IOAPIC, edge-triggered and active high, for the CPU @apic_id. */
void interrupts_route(unsigned pin, uint32_t apic_id, interrupts_handler *handler, void *arg);

/* The same for a level-triggered one, which the handler must bring down. */
void interrupts_route_level(unsigned pin, uint32_t apic_id, interrupts_handler *handler, void *arg);

/* Writes the interrupt command register of the local APIC and waits until it is sent. */
void interrupts_send(uint32_t apic_id, uint32_t command);

/* An interrupt for @apic_id that only wakes it up. */
void interrupts_wake(uint32_t apic_id);

/* Sleeps until *@word differs from @old. False if that takes longer than the argument timeout=. */
bool interrupts_wait(const volatile uint32_t *word, uint32_t old);

/*
 * Three ways to sleep until the local APIC's timer interrupts the calling CPU: once after @ns, at a
 * time stamp @ns from now (or as before, if the CPU lacks that), and periodically, for @n periods.
 * Interrupts are on in the meantime. Without an end if the interrupt does not come.
 */
void interrupts_nap(uint64_t ns);
void interrupts_nap_until(uint64_t ns);
void interrupts_nap_ticks(uint64_t ns, unsigned n);

/* Stays here for @ns with interrupts on, to see that nothing comes. */
void interrupts_idle(uint64_t ns);
