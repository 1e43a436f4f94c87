// SPDX-License-Identifier: Apache-2.0
/* The test "cpus": flushes from all of them, in turn and at once. Start reading at cpus. */
#include "checks.h"

#include "args.h"
#include "fail.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "smp.h"

#include <stddef.h>

/* The tests on several CPUs: what each found out. */
static const char *cpu_errors[MACHINE_MAX_CPUS];

static void flush_own_devices(unsigned cpu)
{
	unsigned count = (unsigned)args_number("count", 20);

	for (unsigned i = 0; i < count; i++)
		for (unsigned n = cpu; n < pmem_count && !cpu_errors[cpu]; n += machine.n_cpus)
			cpu_errors[cpu] = pmem_flush(&pmems[n]);
}

static void flush_all_devices(unsigned cpu)
{
	for (unsigned n = 0; n < pmem_count && !cpu_errors[cpu]; n++)
		cpu_errors[cpu] = pmem_flush(&pmems[n]);
}

static const char *wait_for_cpu(unsigned cpu)
{
	if (!smp_wait(cpu))
		return fail("CPU %u does not end its flushes", cpu);
	return cpu_errors[cpu] ? fail("CPU %u: %s", cpu, cpu_errors[cpu]) : NULL;
}

/* Each CPU in turn rings all doorbells and takes all interrupts. */
static const char *flush_in_turn(unsigned cpu)
{
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[cpu]);
	smp_run(cpu, flush_all_devices);
	return wait_for_cpu(cpu);
}

static const char *cpus(void)
{
	uint64_t expected = args_number("expects", machine.n_cpus);
	const char *error = smp_start();

	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		error = flush_in_turn(cpu);
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[i % machine.n_cpus]);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, flush_own_devices);
	flush_own_devices(0);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		error = wait_for_cpu(cpu);
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[0]);
	if (!error && cpu_errors[0])
		error = fail("CPU 0: %s", cpu_errors[0]);
	if (!error && expected != machine.n_cpus)
		error = fail("%u CPUs, not %lu", machine.n_cpus, expected);
	print("test-guest: cpus-online %u\n", error ? 0 : machine.n_cpus);
	return error;
}

const struct check cpus_checks[] = {
	{ "cpus", .once = cpus },
	{ 0 },
};
