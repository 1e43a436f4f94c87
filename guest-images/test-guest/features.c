// SPDX-License-Identifier: Apache-2.0
/*
 * The test "features": which of the features that mvmm does not offer are there after all, by CPUID
 * and by their MSRs. Start reading at features.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupt_stubs.h"
#include "interrupts.h"
#include "serial.h"

#include <stddef.h>

#define GENERAL_PROTECTION 13

enum { EAX, EBX, ECX, EDX };

/* The tests of mvmm have all bits; these are one of each kind. */
static const struct {
	const char *name;
	uint32_t leaf, subleaf;
	unsigned where;
	uint32_t mask;
} bits[] = {
	{ "vmx", 0x1, 0, ECX, 1u << 5 },
	{ "svm", 0x80000001, 0, ECX, 1u << 2 },
	{ "ds", 0x1, 0, EDX, 1u << 21 },
	{ "pdcm", 0x1, 0, ECX, 1u << 15 },
	{ "perfmon", 0xa, 0, EAX, 0xff },
	{ "perfctr_core", 0x80000001, 0, ECX, 1u << 23 },
	{ "perfmon_v2", 0x80000022, 0, EAX, 1u << 0 },
	{ "ibs", 0x80000001, 0, ECX, 1u << 10 },
	{ "intel_pt", 0x7, 0, EBX, 1u << 25 },
	{ "sgx", 0x7, 0, EBX, 1u << 2 },
	{ "rtm", 0x7, 0, EBX, 1u << 11 },
	{ "sev", 0x8000001f, 0, EAX, 1u << 1 },
};

/* A register of each, whose lowest bit can be written. */
static const struct {
	const char *name;
	uint32_t msr;
} msrs[] = {
	{ "P6_EVNTSEL0", 0x186 },
	{ "PERF_FIXED_CTR_CTRL", 0x38d },
	{ "PERF_GLOBAL_CTRL", 0x38f },
	{ "PEBS_ENABLE", 0x3f1 },
	{ "LBR_SELECT", 0x1c8 },
	{ "ARCH_LBR_CTL", 0x14ce },
	{ "DS_AREA", 0x600 },
	{ "RTIT_CTL", 0x570 },
	{ "SGXLEPUBKEYHASH0", 0x8c },
	{ "VMX_BASIC", 0x480 },
	{ "K7_EVNTSEL0", 0xc0010000 },
	{ "K7_PERFCTR0", 0xc0010004 },
	{ "F15H_PERF_CTL", 0xc0010200 },
	{ "PERF_CNTR_GLOBAL_CTL", 0xc0000301 },
	{ "IBS_FETCH_CTL", 0xc0011030 },
	{ "IBS_OP_CTL", 0xc0011033 },
};

/* RDMSR and WRMSR have two bytes. The handler goes on behind them, and leaves a mark. */
extern const uint8_t features_fault[];
volatile uint32_t features_faults;

__asm__(".text\n"
	"features_fault:\n"
	"	addq $8, %rsp\n" /* the error code */
	"	addq $2, (%rsp)\n"
	"	incl features_faults(%rip)\n"
	"	iretq\n");

static bool leaf_is_there(uint32_t leaf)
{
	uint32_t regs[4];

	cpuid(leaf & 0x80000000, regs);
	return regs[EAX] >= leaf;
}

static const char *check_bits(const char *error)
{
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		uint32_t regs[4];

		if (!leaf_is_there(bits[i].leaf))
			continue;
		cpuid_subleaf(bits[i].leaf, bits[i].subleaf, regs);
		if (bits[i].leaf == 7 && bits[i].where == EBX)
			regs[EBX] &= ~(uint32_t)args_number("kvm-adds", 0);
		if (!(regs[bits[i].where] & bits[i].mask))
			continue;
		print("test-guest: has %s\n", bits[i].name);
		error = fail("CPUID has %s", bits[i].name);
	}
	return error;
}

/*
 * It is there if it keeps what is written. KVM has some that read as zero, and drops what is
 * written; others cause a fault.
 */
static bool msr_is_there(uint32_t msr)
{
	uint32_t before = features_faults;
	uint64_t value;

	wrmsr(msr, 1);
	value = rdmsr(msr);
	if (features_faults != before)
		return false;
	wrmsr(msr, 0);
	return value != 0;
}

static const char *check_msrs(const char *error)
{
	interrupts_set_gate(GENERAL_PROTECTION, features_fault);
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		if (!msr_is_there(msrs[i].msr))
			continue;
		print("test-guest: has %s\n", msrs[i].name);
		error = fail("there is MSR %s", msrs[i].name);
	}
	interrupts_set_gate(GENERAL_PROTECTION, (const uint8_t *)interrupt_stubs +
							GENERAL_PROTECTION * INTERRUPT_STUB_SIZE);
	print("test-guest: %u accesses to MSRs caused a fault\n", features_faults);
	return error;
}

static const char *features(void)
{
	return check_msrs(check_bits(NULL));
}

const struct check features_checks[] = {
	{ "features", .once = features },
	{ 0 },
};
