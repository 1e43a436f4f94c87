// SPDX-License-Identifier: Apache-2.0
/*
 * The test "topology": each CPU finds out by CPUID which socket, core and thread it is, and has the
 * APIC id that the machine's description gives it. Start reading at topology.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "machine.h"
#include "smp.h"

#include <stddef.h>

#define LAPIC_ID 0x20
#define LEVELS 0xb
#define AMD_SIZE 0x80000008
#define AMD_IDS 0x8000001e

enum { EAX, EBX, ECX, EDX };

/* What each CPU has found. */
static struct found {
	uint32_t lapic, basic[4], threads[4], cores[4];
} found[MACHINE_MAX_CPUS];

static void look(unsigned cpu)
{
	struct found *f = &found[cpu];

	f->lapic = read32(machine.lapic + LAPIC_ID) >> 24;
	cpuid(1, f->basic);
	cpuid_subleaf(LEVELS, 0, f->threads);
	cpuid_subleaf(LEVELS, 1, f->cores);
}

static const char *check(unsigned cpu)
{
	unsigned sockets = (unsigned)args_number("sockets", 1);
	unsigned cores = (unsigned)args_number("cores", machine.n_cpus);
	unsigned threads = (unsigned)args_number("threads", 1);
	const struct found *f = &found[cpu];
	uint32_t id = machine.apic_ids[cpu];
	unsigned core_shift = f->threads[EAX], socket_shift = f->cores[EAX];
	unsigned thread = id & ((1u << core_shift) - 1);
	unsigned core = (id & ((1u << socket_shift) - 1)) >> core_shift;
	unsigned socket = id >> socket_shift;

	if (f->lapic != id || f->basic[EBX] >> 24 != id || f->threads[EDX] != id ||
	    f->cores[EDX] != id)
		return fail("CPU %u is described with APIC id %u, and has %u, %u, %u, %u", cpu, id,
			    f->lapic, f->basic[EBX] >> 24, f->threads[EDX], f->cores[EDX]);
	if (f->threads[EBX] != threads || f->cores[EBX] != cores * threads ||
	    (f->basic[EBX] >> 16 & 0xff) != cores * threads)
		return fail("CPU %u: %u threads in a core, %u or %u in a socket", cpu,
			    f->threads[EBX], f->cores[EBX], f->basic[EBX] >> 16 & 0xff);
	if (socket >= sockets || (socket * cores + core) * threads + thread != cpu)
		return fail("CPU %u is thread %u of core %u of socket %u", cpu, thread, core,
			    socket);
	return NULL;
}

/* Each socket has a number of CPUs, and a number of bits for them. */
static const char *check_amd(void)
{
	uint32_t size[4];

	cpuid(0x80000000, size);
	if (size[EAX] < AMD_IDS)
		return NULL;
	cpuid(AMD_SIZE, size);
	if ((size[ECX] >> 12 & 0xf) != found[0].cores[EAX] ||
	    (size[ECX] & 0xff) + 1 != found[0].cores[EBX])
		return fail("leaf 0x%x has 0x%x", AMD_SIZE, size[ECX]);
	return NULL;
}

static const char *topology(void)
{
	const char *error;
	uint32_t max[4];

	cpuid(0, max);
	if (max[EAX] < LEVELS)
		return "this processor has no leaf for it";
	error = smp_start();
	look(0);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++) {
		smp_run(cpu, look);
		if (!smp_wait(cpu))
			error = fail("CPU %u does not end", cpu);
	}
	for (unsigned cpu = 0; cpu < machine.n_cpus && !error; cpu++)
		error = check(cpu);
	return error ? error : check_amd();
}

const struct check topology_checks[] = {
	{ "topology", .once = topology },
	{ 0 },
};
