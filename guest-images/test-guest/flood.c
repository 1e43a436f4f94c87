// SPDX-License-Identifier: Apache-2.0
/*
 * The test "flood". As older kernels do, it hands a device more flushes while others are under way,
 * each with its own doorbell; as soon as one comes back its descriptors serve the next. Before each
 * doorbell the flush's word in the device's memory (the n-th for flush n) gets a new number, by
 * which tests/hooks/flush_audit.c knows what an fdatasync has covered. Every flush must come back
 * once, with success. Start reading at flood_run, then at drive.
 */
#include "checks.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "smp.h"

#include <stddef.h>

/* One for each device; written by the CPU that drives it. */
static struct lane {
	uint64_t left;	      /* flushes still to be offered */
	uint64_t number;      /* of the last one offered */
	uint64_t taken;	      /* flushes that came back */
	uint32_t unannounced; /* offered since the last doorbell */
	uint32_t batch;	      /* of so many for each doorbell */
	uint32_t interrupts;  /* that the device had sent when its CPU fell asleep */
} lanes[MACHINE_MAX_SLOTS];

static const char *errors[MACHINE_MAX_CPUS];

/* Makes flush @n available again, or for the first time. */
static inline void offer(struct pmem *pmem, struct lane *lane, unsigned n)
{
	struct virtqueue *queue = &pmem->queue;

	lane->left--;
	pmem->resp[n].ret = PMEM_UNANSWERED;
	write64(pmem->start + 8 * n, ++lane->number);
	virtqueue_stage(queue, (uint16_t)(2 * n));
	virtqueue_publish(queue);
	if (++lane->unannounced < lane->batch && lane->left)
		return;
	lane->unannounced = 0;
	pmem_kick(pmem);
}

/*
 * Takes back what was answered, and offers the same descriptors again. What is as it should be is
 * told from the rest with as few instructions as may be: each is a microsecond on a slow KVM.
 */
static const char *turn(struct pmem *pmem, struct lane *lane)
{
	struct virtqueue *queue = &pmem->queue;
	uint16_t used = __atomic_load_n(&queue->used.idx, __ATOMIC_ACQUIRE);

	while (queue->taken != used) {
		struct vring_used_elem elem = queue->used.ring[queue->taken++ & (queue->size - 1)];
		uint32_t n = elem.id / 2;
		bool good = elem.id < queue->size && elem.len == sizeof(pmem->resp[0]) &&
			    pmem->offered & 1UL << n && !pmem->resp[n].ret;
		const char *error = good ? NULL : pmem_check(pmem, &elem);

		if (error)
			return error;
		lane->taken++;
		if (lane->left)
			offer(pmem, lane, n);
		else
			pmem->offered &= ~(1UL << n);
	}
	return NULL;
}

/* True if there was something to do. */
static bool turn_all(unsigned cpu, bool *ret_in_flight)
{
	bool any = false;

	*ret_in_flight = false;
	for (unsigned i = cpu; i < pmem_count && !errors[cpu]; i += machine.n_cpus) {
		if (virtqueue_waiting(&pmems[i].queue)) {
			any = true;
			errors[cpu] = turn(&pmems[i], &lanes[i]);
		}
		if (pmems[i].offered)
			*ret_in_flight = true;
	}
	return any;
}

static bool any_waiting(unsigned cpu)
{
	for (unsigned i = cpu; i < pmem_count; i += machine.n_cpus)
		if (virtqueue_waiting(&pmems[i].queue))
			return true;
	return false;
}

/* Sleeps until a device has answered. What came during the sleep must be told by an interrupt. */
static void sleep(unsigned cpu)
{
	uint64_t start = rdtsc();

	interrupts_off();
	for (unsigned i = cpu; i < pmem_count; i += machine.n_cpus)
		lanes[i].interrupts = pmems[i].device.used_interrupts;
	if (any_waiting(cpu)) {
		interrupts_on();
		return;
	}
	do {
		sleep_until_interrupt();
	} while (!any_waiting(cpu) && rdtsc() - start < clock_timeout);
	interrupts_on();
	if (!any_waiting(cpu))
		errors[cpu] = "a flush is lost: no answer";
	for (unsigned i = cpu; i < pmem_count && !errors[cpu]; i += machine.n_cpus)
		if (virtqueue_waiting(&pmems[i].queue) &&
		    !interrupts_wait(&pmems[i].device.used_interrupts, lanes[i].interrupts))
			errors[cpu] = "a flush is used, but without an interrupt";
}

/* One CPU's share of the devices. */
static void drive(unsigned cpu)
{
	uint64_t outstanding = args_number("outstanding", PMEM_FLUSHES);
	bool in_flight = true;

	for (unsigned i = cpu; i < pmem_count; i += machine.n_cpus)
		for (unsigned n = 0; n < outstanding && lanes[i].left; n++) {
			pmems[i].offered |= 1UL << n;
			offer(&pmems[i], &lanes[i], n);
		}
	while (in_flight && !errors[cpu])
		if (!turn_all(cpu, &in_flight) && in_flight)
			sleep(cpu);
}

static const char *prepare(uint64_t count)
{
	uint32_t batch = (uint32_t)args_number("batch", 1);

	for (unsigned i = 0; i < pmem_count; i++) {
		const char *error = pmem_start(&pmems[i]);

		if (error)
			return error;
		lanes[i] = (struct lane){ .left = count / pmem_count, .batch = batch };
		for (unsigned n = 0; n < PMEM_FLUSHES; n++)
			write64(pmems[i].start + 8 * n, 0);
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[i % machine.n_cpus]);
	}
	return smp_start();
}

static const char *judge(uint64_t count)
{
	uint64_t taken = 0;

	for (unsigned i = 0; i < pmem_count; i++) {
		taken += lanes[i].taken;
		if (pmems[i].ret)
			return fail("a flush of device %u answered %d", i, (int)pmems[i].ret);
		if (virtqueue_waiting(&pmems[i].queue))
			return fail("device %u used more than it was given", i);
		if (pmems[i].queue.used.idx != (uint16_t)lanes[i].taken)
			return fail("device %u counts other flushes than came back", i);
	}
	return taken == count ? NULL : fail("%lu of %lu flushes came back", taken, count);
}

static const char *flood_run(void)
{
	uint64_t count = args_number("count", 1000), start, ns;
	const char *error;

	if (!pmem_count || count % pmem_count)
		return fail("count= is no multiple of the %u devices", pmem_count);
	if (args_number("outstanding", PMEM_FLUSHES) > PMEM_FLUSHES ||
	    args_number("batch", 1) > args_number("outstanding", PMEM_FLUSHES))
		return fail("outstanding= is at most %u, batch= at most outstanding=",
			    PMEM_FLUSHES);
	error = prepare(count);
	start = rdtsc();
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, drive);
	if (!error)
		drive(0);
	/* As often as it takes: each wait ends after timeout=, which a long run may need more of.
	 */
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		while (!smp_wait(cpu))
			;
	ns = clock_ns(rdtsc() - start);
	for (unsigned cpu = 0; cpu < machine.n_cpus && !error; cpu++)
		error = errors[cpu];
	if (!error)
		error = judge(count);
	print("test-guest: flood %lu flushes, %u devices, %u CPUs, %lu ms\n", count, pmem_count,
	      machine.n_cpus, ns / 1000000);
	print("test-guest: flood-rate %lu\n", ns / 1000 ? count * 1000000 / (ns / 1000) : 0);
	return error;
}

const struct check flood_checks[] = {
	{ "flood", .once = flood_run },
	{ 0 },
};
