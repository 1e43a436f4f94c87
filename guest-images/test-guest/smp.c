// SPDX-License-Identifier: Apache-2.0
/*
 * The other CPUs (Intel SDM volume 3, section 9.4). Start reading at smp_start; ap_entry.S has
 * the path that each takes from real mode to run_work.
 */
#include "smp.h"

#include "ap_entry.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "text.h"

#define ICR_INIT 0x4500
#define ICR_STARTUP 0x4600
#define STACK_SIZE 4096
#define PAGE 4096UL

static uint64_t trampoline_page;
static struct {
	volatile uint32_t online, done;
	smp_work *volatile work;
} cpus[MACHINE_MAX_CPUS];
static uint8_t stacks[MACHINE_MAX_CPUS][STACK_SIZE] __attribute__((aligned(16))) NOINIT;
static unsigned starting;

void smp_init(const struct boot_params *params)
{
	for (unsigned i = 0; i < params->e820_entries; i++) {
		const struct boot_e820_entry *entry = &params->e820_table[i];
		uint64_t page = ((entry->addr + entry->size) & ~(PAGE - 1)) - PAGE;

		if (entry->type == 1 && page >= entry->addr && page < 0xa0000 &&
		    page > trampoline_page)
			trampoline_page = page;
	}
}

_Noreturn static void run_work(void)
{
	unsigned cpu = starting;

	interrupts_init_cpu();
	__atomic_store_n(&cpus[cpu].online, 1, __ATOMIC_RELEASE);
	for (;;) {
		interrupts_off();
		while (!cpus[cpu].work)
			sleep_until_interrupt();
		interrupts_on();
		cpus[cpu].work(cpu);
		cpus[cpu].work = NULL;
		__atomic_store_n(&cpus[cpu].done, 1, __ATOMIC_RELEASE);
	}
}

static bool wait_for(const volatile uint32_t *word)
{
	uint64_t start = rdtsc();

	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE)) {
		if (rdtsc() - start > clock_timeout)
			return false;
		cpu_relax();
	}
	return true;
}

void smp_start_at(unsigned cpu, uint8_t page)
{
	interrupts_send(machine.apic_ids[cpu], ICR_INIT);
	interrupts_send(machine.apic_ids[cpu], ICR_STARTUP | page);
}

const char *smp_start(void)
{
	if (machine.n_cpus == 1)
		return NULL;
	if (!trampoline_page)
		return "e820 has no page below 640 KiB to start CPUs in";
	memcpy((void *)trampoline_page, ap_entry, (size_t)(ap_entry_end - ap_entry));
	ap_entry_main = run_work;
	for (unsigned cpu = 1; cpu < machine.n_cpus; cpu++) {
		if (cpus[cpu].online)
			continue;
		starting = cpu;
		ap_entry_stack = (uint64_t)stacks[cpu] + STACK_SIZE;
		smp_start_at(cpu, (uint8_t)(trampoline_page / PAGE));
		if (!wait_for(&cpus[cpu].online))
			return fail("CPU %u with APIC id %u does not start", cpu,
				    machine.apic_ids[cpu]);
	}
	return NULL;
}

void smp_run(unsigned cpu, smp_work *work)
{
	cpus[cpu].done = 0;
	cpus[cpu].work = work;
	interrupts_wake(machine.apic_ids[cpu]);
}

bool smp_wait(unsigned cpu)
{
	return wait_for(&cpus[cpu].done);
}
