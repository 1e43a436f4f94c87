// SPDX-License-Identifier: Apache-2.0
/*
 * The test "mwait": MONITOR and MWAIT, which KVM may let pass, refuse or not know, whether CPUID
 * has them or not. Start reading at mwait.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "interrupt_stubs.h"
#include "interrupts.h"
#include "serial.h"

#include <stddef.h>

#define UNDEFINED 6
#define GENERAL_PROTECTION 13
#define MSR_MISC_ENABLE 0x1a0
#define MISC_ENABLE_MWAIT (1u << 18)
#define CPUID_1_ECX_MWAIT (1u << 3)

/* MONITOR and MWAIT have three bytes, RDMSR and WRMSR two. The handlers go on behind them. */
extern const uint8_t mwait_undefined[], mwait_fault[];
extern volatile uint32_t mwait_refused;

__asm__(".text\n"
	"mwait_undefined:\n"
	"	addq $3, (%rsp)\n"
	"	incl mwait_refused(%rip)\n"
	"	iretq\n"
	"mwait_fault:\n"
	"	addq $8, %rsp\n" /* the error code */
	"	addq $2, (%rsp)\n"
	"	iretq\n"
	"	.bss\n"
	"	.balign 4\n"
	"mwait_refused: .skip 4\n"
	"	.text\n");

static void restore_gate(unsigned vector)
{
	interrupts_set_gate(vector,
			    (const uint8_t *)interrupt_stubs + vector * INTERRUPT_STUB_SIZE);
}

/* KVM may show in CPUID what this says. */
static void announce(bool on)
{
	uint64_t value;

	interrupts_set_gate(GENERAL_PROTECTION, mwait_fault);
	value = rdmsr(MSR_MISC_ENABLE);
	wrmsr(MSR_MISC_ENABLE,
	      on ? value | MISC_ENABLE_MWAIT : value & ~(uint64_t)MISC_ENABLE_MWAIT);
	restore_gate(GENERAL_PROTECTION);
}

/* Interrupts are on, so the timer's next tick ends a wait. */
static void wait_for_store(void)
{
	static uint64_t word;

	__asm__ volatile("monitor" : : "a"(&word), "c"(0), "d"(0));
	__asm__ volatile("mwait" : : "a"(0), "c"(0));
}

static const char *mwait(void)
{
	unsigned count = (unsigned)args_number("count", 5);

	for (unsigned announced = 0; announced < 2; announced++) {
		uint32_t regs[4];

		announce(announced);
		cpuid(1, regs);
		mwait_refused = 0;
		interrupts_set_gate(UNDEFINED, mwait_undefined);
		for (unsigned i = 0; i < count; i++)
			wait_for_store();
		restore_gate(UNDEFINED);
		print("test-guest: mwait %s in CPUID, %u of %u instructions were refused\n",
		      regs[2] & CPUID_1_ECX_MWAIT ? "is" : "is not", mwait_refused, 2 * count);
	}
	return NULL;
}

const struct check mwait_checks[] = {
	{ "mwait", .once = mwait },
	{ 0 },
};
