// SPDX-License-Identifier: Apache-2.0
/*
 * The test "steady", for VMs that are saved at any moment: what it prints, and what it leaves in
 * memory and on disks, does not depend on time. Each CPU counts in memory of its own, stores to its
 * disks, keeps flushes in flight and sleeps until its APIC's timer wakes it. Start reading at
 * steady_run, then at step.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "smp.h"

#include <stddef.h>

#define CPUS 4
#define WORDS 1024
#define STRIDE 512 /* of stores to a disk */
#define FLUSHES 8  /* in flight on each disk */
#define STEPS_A_SLEEP 16
#define LINES 16
#define NAP 20000000 /* ns: long enough for a save to come in between */

static struct lane {
	uint64_t chain; /* each step's depends on all before */
	uint64_t step;
	const char *error;
} lanes[CPUS];

static uint64_t memory[CPUS][WORDS] NOINIT;
static uint64_t latest; /* time stamp that any CPU has seen */

/* The steps of each CPU. */
static uint64_t steps(void)
{
	return args_number("steps", 400);
}

/* Takes back what was answered, and flushes again, waiting until the disk has room for that. */
static const char *flush(struct pmem *pmem)
{
	const uint64_t all = (1UL << FLUSHES) - 1;

	for (;;) {
		uint32_t seen = pmem->device.interrupts;
		struct vring_used_elem elem;

		barrier();
		if (virtqueue_take(&pmem->queue, &elem)) {
			const char *error = pmem_check(pmem, &elem);

			if (error)
				return error;
		} else if (pmem->offered != all) {
			pmem_offer(pmem, (unsigned)__builtin_ctzl(~pmem->offered));
			pmem_kick(pmem);
			return NULL;
		} else if (!interrupts_wait(&pmem->device.interrupts, seen)) {
			return fail("device %u: no interrupt for %u flushes", pmem_index(pmem),
				    FLUSHES);
		}
	}
}

/* Each mode of the timer in turn. */
static void sleep(uint64_t number)
{
	unsigned mode = number % 3;

	if (mode == 0)
		interrupts_nap(NAP);
	else if (mode == 1)
		interrupts_nap_until(NAP);
	else
		interrupts_nap_ticks(NAP, 2);
}

/* No CPU sees time go back, neither its own nor from one CPU to another. */
static const char *check_time(void)
{
	uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST), now;

	__asm__ volatile("lfence" : : : "memory");
	now = rdtsc();
	if (now < before)
		return fail("the time stamp went back from %lu to %lu", before, now);
	while (before < now && !__atomic_compare_exchange_n(&latest, &before, now, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return NULL;
}

static void store(struct lane *lane, unsigned cpu)
{
	uint64_t *word = &memory[cpu][lane->step % WORDS];

	lane->chain = (lane->chain ^ lane->step) * 0x9e3779b97f4a7c15 + *word;
	*word = lane->chain;
}

static const char *step(struct lane *lane, unsigned cpu)
{
	const char *error = check_time();

	store(lane, cpu);
	for (unsigned i = cpu; i < pmem_count && !error; i += machine.n_cpus) {
		uint64_t at = lane->step * STRIDE % pmems[i].size;

		write64(pmems[i].start + at, lane->chain);
		error = flush(&pmems[i]);
	}
	if (!error && lane->step % STEPS_A_SLEEP == 0)
		sleep(lane->step / STEPS_A_SLEEP);
	return error;
}

static void drive(unsigned cpu)
{
	struct lane *lane = &lanes[cpu];
	uint64_t end = steps(), line = end / LINES;

	while (lane->step < end && !lane->error) {
		if (cpu == 0 && lane->step % (line ? line : 1) == 0)
			print("test-guest: steady step %lu 0x%lx\n", lane->step, lane->chain);
		lane->error = step(lane, cpu);
		lane->step++;
	}
	for (unsigned i = cpu; i < pmem_count && !lane->error; i += machine.n_cpus) {
		lane->error = pmem_finish(&pmems[i]);
		if (!lane->error && pmems[i].ret)
			lane->error = fail("device %u: a flush answered %d", i, (int)pmems[i].ret);
	}
}

static uint64_t add(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * 0x100000001b3;
}

static uint64_t hash_all(void)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (unsigned cpu = 0; cpu < machine.n_cpus; cpu++) {
		hash = add(hash, lanes[cpu].chain);
		for (unsigned i = 0; i < WORDS; i++)
			hash = add(hash, memory[cpu][i]);
	}
	for (unsigned i = 0; i < pmem_count; i++)
		for (uint64_t at = 0; at < steps() * STRIDE && at < pmems[i].size; at += STRIDE)
			hash = add(hash, read64(pmems[i].start + at));
	return hash;
}

static const char *prepare(void)
{
	if (machine.n_cpus > CPUS)
		return fail("at most %u CPUs", CPUS);
	for (unsigned cpu = 0; cpu < machine.n_cpus; cpu++) {
		lanes[cpu] = (struct lane){ .chain = cpu + 1 };
		for (unsigned i = 0; i < WORDS; i++)
			memory[cpu][i] = i;
	}
	for (unsigned i = 0; i < pmem_count; i++) {
		const char *error = pmem_start(&pmems[i]);

		if (error)
			return error;
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[i % machine.n_cpus]);
	}
	return smp_start();
}

static const char *steady_run(void)
{
	const char *error = prepare();

	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, drive);
	if (!error)
		drive(0);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		if (!smp_wait(cpu))
			error = fail("CPU %u has stopped", cpu);
	for (unsigned cpu = 0; cpu < machine.n_cpus && !error; cpu++)
		error = lanes[cpu].error;
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[0]);
	if (!error)
		print("test-guest: steady hash 0x%lx\n", hash_all());
	return error;
}

const struct check steady_checks[] = {
	{ "steady", .once = steady_run },
	{ 0 },
};
