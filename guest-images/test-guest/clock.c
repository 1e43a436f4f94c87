// SPDX-License-Identifier: Apache-2.0
/* Time: how long a TSC cycle is. Start reading at clock_init. */
#include "clock.h"

#include "args.h"
#include "cpu.h"

#include <asm/kvm_para.h>

#define CPUID_TSC 0x15
#define CPUID_HYPERVISOR_TSC 0x40000010

/* What KVM writes for one vCPU: Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW. */
struct pvclock {
	uint32_t version, pad;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad2[2];
};

static volatile struct pvclock pvclock __attribute__((aligned(64)));
uint64_t clock_timeout;

/* nanoseconds = (cycles << shift) * mul >> 32 */
static uint32_t mul;
static int shift;
static const char *source;

static void use_khz(uint64_t khz, const char *name)
{
	source = name;
	shift = 0;
	while (khz <= 1000000) {
		khz <<= 1;
		shift++;
	}
	mul = (uint32_t)((1000000ULL << 32) / khz);
}

static bool has_kvm(void)
{
	uint32_t regs[4];

	cpuid(KVM_CPUID_SIGNATURE, regs);
	if (regs[1] != 0x4b4d564b) /* "KVMK" */
		return false;
	cpuid(KVM_CPUID_FEATURES, regs);
	return regs[0] & 1U << KVM_FEATURE_CLOCKSOURCE2;
}

static bool use_kvm(void)
{
	if (!has_kvm())
		return false;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (uint64_t)&pvclock | 1);
	mul = pvclock.tsc_to_system_mul;
	shift = pvclock.tsc_shift;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	source = "kvm-clock";
	return mul != 0;
}

void clock_init(void)
{
	uint32_t regs[4], max;

	if (!use_kvm()) {
		cpuid(0, regs);
		max = regs[0];
		cpuid(CPUID_TSC, regs);
		if (max >= CPUID_TSC && regs[0] && regs[1] && regs[2]) {
			use_khz((uint64_t)regs[2] * regs[1] / regs[0] / 1000, "cpuid 0x15");
		} else {
			cpuid(0x40000000, regs);
			max = regs[0];
			cpuid(CPUID_HYPERVISOR_TSC, regs);
			if (max >= CPUID_HYPERVISOR_TSC && regs[0])
				use_khz(regs[0], "cpuid 0x40000010");
			else
				use_khz(1000000, "a guess of 1 GHz");
		}
	}
	clock_timeout = clock_cycles(args_number("timeout", 10000) * 1000000);
}

uint64_t clock_cycles(uint64_t ns)
{
	return ns * 1000 / (clock_ns(1000) | 1);
}

uint64_t clock_kvm(void)
{
	uint64_t since;

	if (!has_kvm())
		return 0;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (uint64_t)&pvclock | 1);
	since = rdtsc() - pvclock.tsc_timestamp;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	return pvclock.system_time + clock_ns(since);
}

const char *clock_source(void)
{
	return source;
}

uint64_t clock_ns(uint64_t cycles)
{
	cycles = shift < 0 ? cycles >> -shift : cycles << shift;
	return (uint64_t)((unsigned __int128)cycles * mul >> 32);
}
