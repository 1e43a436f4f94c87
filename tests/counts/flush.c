// SPDX-License-Identifier: Apache-2.0
/*
 * Flushes for scripts/measure/counts to count what they cost: virtio-pmem on an event loop of its
 * own, and the driver of the unit tests in the interrupt's place. It offers the next flushes from
 * within the interrupt and rings the doorbell, so one thing happens after the other and each run is
 * the same.
 *
 * count-flush COUNT BATCH: as many flushes, BATCH of them outstanding. Start reading at interrupt.
 */
#include "devices/virtio/pmem.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"

#include <endian.h>
#include <linux/virtio_pmem.h>
#include <stdio.h>
#include <stdlib.h>

#define RING 0x10000
#define REQUESTS 0x200000ULL
#define RESPONSES 0x210000ULL
#define NO_ANSWER 0x55555555

static struct driver_host host;
static struct driver driver;
static struct pmem pmem;
static unsigned left, batch, outstanding;

static uint32_t *response(unsigned n)
{
	return (uint32_t *)(void *)(host.ram + RESPONSES) + n;
}

static void make_request(unsigned n)
{
	uint16_t head = (uint16_t)(2 * n), second = (uint16_t)(head + 1);

	*(uint32_t *)(void *)(host.ram + REQUESTS + 4ULL * n) = htole32(VIRTIO_PMEM_REQ_TYPE_FLUSH);
	driver_ring_desc(&driver.ring, head, REQUESTS + 4ULL * n, 4, VRING_DESC_F_NEXT, second);
	driver_ring_desc(&driver.ring, second, RESPONSES + 4ULL * n, 4, VRING_DESC_F_WRITE, 0);
}

static void offer(void)
{
	for (outstanding = 0; outstanding < batch && left; outstanding++, left--) {
		*response(outstanding) = NO_ANSWER;
		driver_ring_offer(&driver.ring, (uint16_t)(2 * outstanding));
	}
	if (outstanding)
		driver_ring_doorbell(&driver, 0);
	else
		event_loop_stop(&host.loop);
}

/* In place of the guest's handler: all that is outstanding was answered, and well. */
static int interrupt(struct interrupt_line *line)
{
	static uint16_t used;

	used = (uint16_t)(used + outstanding);
	if (le16toh(driver.ring.used->idx) != used) {
		fprintf(stderr, "count-flush: %u flushes used instead of %u\n",
			le16toh(driver.ring.used->idx), used);
		exit(1);
	}
	for (unsigned n = 0; n < outstanding; n++) {
		if (*response(n) != 0) {
			fprintf(stderr, "count-flush: flush %u answered with %#x\n", n,
				*response(n));
			exit(1);
		}
	}
	offer();
	return 0;
}

int main(int argc, char **argv)
{
	struct pmem_backing_options opt = { .share = true };
	struct pmem_backing backing;
	struct error err;
	char path[32];

	left = argc == 3 ? (unsigned)atoi(argv[1]) : 0;
	batch = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	if (!left || batch < 1 || batch > 32) {
		fprintf(stderr, "usage: count-flush COUNT BATCH\n");
		return 2;
	}
	driver_host_init(&host);
	driver_temp_file("/dev/shm", 2 << 20, path);
	opt.path = path;
	if (pmem_backing_open(&backing, &opt, &err) < 0) {
		fprintf(stderr, "count-flush: %s\n", err.text);
		return 1;
	}
	pmem_init(&pmem, "disk", &backing, gpa(1ULL << 32), &host.loop, &host.mem);
	driver_attach(&driver, &host, &pmem.virtio, RING, 64);
	driver.line.line.pulse = interrupt;
	driver_start(&driver);
	for (unsigned n = 0; n < batch; n++)
		make_request(n);
	offer();
	check_eq(event_loop_run(&host.loop), 0);
	printf("%llu flushes by %llu fdatasyncs\n", (unsigned long long)pmem.counters.flushes,
	       (unsigned long long)pmem.counters.fdatasyncs);
	return 0;
}
