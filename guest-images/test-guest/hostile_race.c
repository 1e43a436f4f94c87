// SPDX-License-Identifier: Apache-2.0
/* A driver that rewrites descriptors while the device reads them. Start reading at hostile_race. */
#include "hostile.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "smp.h"

#include <stddef.h>

/* The other CPU's part of race: a response that is now here and now nowhere, a chain that loops. */
static volatile uint32_t racing;
static struct pmem *race_pmem;

static void rewrite(unsigned cpu)
{
	struct vring_desc *desc = race_pmem->queue.desc;

	while (racing) {
		desc[1].addr ^= (uint64_t)&race_pmem->resp[0] ^ NOWHERE;
		desc[0].next ^= 1;
		barrier();
	}
}

/* What another CPU rewrites while the device reads it is answered or breaks the device; no more. */
const char *hostile_race(struct pmem *pmem)
{
	unsigned count = (unsigned)args_number("count", 200);
	const char *error = machine.n_cpus < 2 ? "needs two CPUs" : smp_start();

	if (error)
		return error;
	racing = 1;
	race_pmem = pmem;
	smp_run(1, rewrite);
	for (unsigned i = 0; i < count && !error; i++) {
		uint32_t seen = pmem->device.interrupts;

		if (pmem->device.config_interrupts) {
			error = pmem_start(pmem);
			seen = 0;
		}
		virtqueue_offer(&pmem->queue, 0);
		pmem_kick(pmem);
		if (!error && !interrupts_wait(&pmem->device.interrupts, seen))
			error = fail("round %u is neither answered nor refused", i);
	}
	racing = 0;
	return smp_wait(1) ? error : "CPU 1 does not end";
}
