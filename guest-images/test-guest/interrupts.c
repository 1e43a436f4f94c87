// SPDX-License-Identifier: Apache-2.0
/* Interrupts: the IDT, the local APIC and the IOAPIC. Start reading at dispatch. */
#include "interrupts.h"

#include "clock.h"
#include "cpu.h"
#include "interrupt_stubs.h"
#include "machine.h"
#include "paging.h"
#include "serial.h"

#define PAGE_FAULT 14
#define VECTOR_PINS 32 /* pin n is vector VECTOR_PINS + n */
#define VECTOR_TIMER 56
#define VECTOR_WAKE 57
#define VECTOR_SPURIOUS 63

/* Local APIC registers: Intel SDM volume 3, table 11-1. */
#define LAPIC_ID 0x020
#define LAPIC_EOI 0x0b0
#define LAPIC_SPURIOUS 0x0f0
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_TIMER 0x320
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LAPIC_ENABLE 0x100
#define LAPIC_ICR_PENDING 0x1000
#define LAPIC_TIMER_PERIODIC 0x20000
#define LAPIC_TIMER_TSC_DEADLINE 0x40000
#define IOAPIC_LEVEL 0x8000
#define TICK 100000000 /* 0.1 s: KVM's local APIC runs at 1 GHz */
#define MSR_TSC_DEADLINE 0x6e0
#define CPUID_1_ECX_TSC_DEADLINE (1U << 24)

struct gate {
	uint16_t offset_low, selector, type, offset_middle;
	uint32_t offset_high, reserved;
};

static struct gate idt[INTERRUPT_STUBS];
static interrupts_abort *abort_run;
static struct {
	interrupts_handler *handler;
	void *arg;
} pins[INTERRUPTS_PINS];
static volatile uint32_t ticks[256]; /* of the timer of the CPU with this APIC id */

static uint32_t own_id(void)
{
	return read32(machine.lapic + LAPIC_ID) >> 24;
}

static void dispatch(const struct interrupt_frame *frame, uint64_t tsc)
{
	unsigned pin = (unsigned)frame->vector - VECTOR_PINS;

	if (frame->vector < VECTOR_PINS) {
		uint64_t addr;

		__asm__ volatile("mov %%cr2, %0" : "=r"(addr));
		if (frame->vector == PAGE_FAULT && paging_fault(addr, frame->error_code))
			return;
		print("test-guest: exception %lu error 0x%lx rip 0x%lx address 0x%lx\n",
		      frame->vector, frame->error_code, frame->rip, addr);
		abort_run("exception");
	}
	if (pin < INTERRUPTS_PINS && pins[pin].handler)
		pins[pin].handler(pins[pin].arg, tsc);
	if (frame->vector == VECTOR_TIMER)
		ticks[own_id()]++;
	if (frame->vector != VECTOR_SPURIOUS)
		write32(machine.lapic + LAPIC_EOI, 0);
}

static void load_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void interrupts_set_gate(unsigned vector, const void *handler)
{
	uint64_t stub = (uint64_t)handler;

	idt[vector].offset_low = (uint16_t)stub;
	idt[vector].selector = 0x10;
	idt[vector].type = 0x8e00; /* present 64-bit interrupt gate */
	idt[vector].offset_middle = (uint16_t)(stub >> 16);
	idt[vector].offset_high = (uint32_t)(stub >> 32);
}

void interrupts_init(interrupts_abort *abort)
{
	abort_run = abort;
	interrupt_stubs_handler = dispatch;
	for (unsigned i = 0; i < INTERRUPT_STUBS; i++)
		interrupts_set_gate(i, (const uint8_t *)interrupt_stubs + i * INTERRUPT_STUB_SIZE);
	load_idt();
}

static void set_timer(uint32_t mode, uint32_t count)
{
	write32(machine.lapic + LAPIC_TIMER, mode | VECTOR_TIMER);
	write32(machine.lapic + LAPIC_TIMER_INITIAL, count);
}

void interrupts_init_cpu(void)
{
	load_idt();
	write32(machine.lapic + LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	/* LINT0 stays as it is: no description names 8259s, so nothing may come from there. */
	write32(machine.lapic + LAPIC_TIMER_DIVIDE, 0xb); /* by 1 */
	set_timer(LAPIC_TIMER_PERIODIC, TICK);
	interrupts_on();
}

/* Index and data registers: 82093AA data sheet, section 3.1. */
static void ioapic_write(uint8_t index, uint32_t value)
{
	write32(machine.ioapic, index);
	write32(machine.ioapic + 0x10, value);
}

/* Fixed delivery to one CPU, active high, edge, not masked: all of these are 0. */
static void route(unsigned pin, uint32_t apic_id, uint32_t flags, interrupts_handler *handler,
		  void *arg)
{
	pins[pin].handler = handler;
	pins[pin].arg = arg;
	ioapic_write((uint8_t)(0x11 + 2 * pin), apic_id << 24);
	ioapic_write((uint8_t)(0x10 + 2 * pin), flags | (VECTOR_PINS + pin));
}

void interrupts_route(unsigned pin, uint32_t apic_id, interrupts_handler *handler, void *arg)
{
	route(pin, apic_id, 0, handler, arg);
}

void interrupts_route_level(unsigned pin, uint32_t apic_id, interrupts_handler *handler, void *arg)
{
	route(pin, apic_id, IOAPIC_LEVEL, handler, arg);
}

void interrupts_send(uint32_t apic_id, uint32_t command)
{
	write32(machine.lapic + LAPIC_ICR_HIGH, apic_id << 24);
	write32(machine.lapic + LAPIC_ICR_LOW, command);
	while (read32(machine.lapic + LAPIC_ICR_LOW) & LAPIC_ICR_PENDING)
		cpu_relax();
}

void interrupts_wake(uint32_t apic_id)
{
	interrupts_send(apic_id, VECTOR_WAKE);
}

bool interrupts_wait(const volatile uint32_t *word, uint32_t old)
{
	uint64_t start = 0;
	bool changed;

	interrupts_off();
	while (*word == old) {
		sleep_until_interrupt();
		/* Looked at only after a wake-up, to keep the way to the first one short. */
		if (!start)
			start = rdtsc();
		else if (rdtsc() - start > clock_timeout)
			break;
	}
	changed = *word != old;
	interrupts_on();
	return changed;
}

/* With interrupts off, so that the timer cannot expire between its setting and the sleep. */
static void sleep_through(const volatile uint32_t *count, uint32_t first, unsigned n)
{
	while (*count - first < n)
		sleep_until_interrupt();
	set_timer(LAPIC_TIMER_PERIODIC, TICK);
	interrupts_on();
}

static void nap(uint32_t mode, uint64_t ns, unsigned n)
{
	const volatile uint32_t *count = &ticks[own_id()];
	uint32_t first;

	interrupts_off();
	first = *count;
	set_timer(mode, (uint32_t)ns);
	sleep_through(count, first, n);
}

void interrupts_nap(uint64_t ns)
{
	nap(0, ns, 1);
}

void interrupts_nap_ticks(uint64_t ns, unsigned n)
{
	nap(LAPIC_TIMER_PERIODIC, ns, n);
}

void interrupts_nap_until(uint64_t ns)
{
	const volatile uint32_t *count = &ticks[own_id()];
	uint32_t regs[4], first;

	cpuid(1, regs);
	if (!(regs[2] & CPUID_1_ECX_TSC_DEADLINE)) {
		interrupts_nap(ns);
		return;
	}
	interrupts_off();
	first = *count;
	set_timer(LAPIC_TIMER_TSC_DEADLINE, 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + clock_cycles(ns));
	sleep_through(count, first, 1);
}

void interrupts_idle(uint64_t ns)
{
	uint64_t start = rdtsc();

	while (clock_ns(rdtsc() - start) < ns)
		cpu_relax();
}
