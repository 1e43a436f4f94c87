// SPDX-License-Identifier: Apache-2.0
/* Buffers in a file whose storage is slow: the device waits for its pages, and nobody else does. */
#include "devices/virtio/virtqueue_fetch.h"

#include "devices/virtio/rng.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <sys/mman.h>

TestSuite(virtqueue_fetch, .timeout = 10);

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define RAM 0x200000ULL
#define FILE_AT (1ULL << 32)
#define FILE_SIZE (1u << 20)

static struct driver_host host;
static struct driver slow, other;
static struct rng slow_rng, other_rng;
static uint8_t *file;

static void setup(void)
{
	char path[32];
	int fd = driver_temp_file("/dev/shm", FILE_SIZE, path);

	driver_host_init(&host);
	file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_eq(guest_memory_add(&host.mem, gpa(FILE_AT), FILE_SIZE, file, GUEST_PMEM), 0);
	rng_init(&slow_rng, &host.mem);
	rng_init(&other_rng, &host.mem);
	driver_attach(&slow, &host, &slow_rng.virtio, 0x10000, 64);
	driver_attach(&other, &host, &other_rng.virtio, 0x20000, 64);
	driver_start(&slow);
	driver_start(&other);
	driver_hold_fetches();
}

static void teardown(void)
{
	driver_detach(&slow);
	driver_detach(&other);
	driver_host_fini(&host);
}

static void offer(struct driver *driver, uint16_t head, uint64_t at, uint32_t len)
{
	driver_ring_desc(&driver->ring, head, at, len, WRITE, 0);
	driver_ring_offer(&driver->ring, head);
	driver_ring_doorbell(driver, 0);
	driver_settle(&host);
}

static unsigned used(const struct driver *driver)
{
	return le16toh(driver->ring.used->idx);
}

/*
 * bad input: Buffers: buffers in the memory of a pmem device whose file is on slow storage -> the
 * queue waits until its pages are read, and other devices go on
 */
Test(virtqueue_fetch, others_go_on, .init = setup, .fini = teardown)
{
	offer(&slow, 0, FILE_AT, 64);
	check_eq(driver_fetches_held(), 1);
	check_eq(used(&slow), 0);
	/* What is behind it waits, in the order of the ring. */
	offer(&slow, 1, RAM, 64);
	check_eq(used(&slow), 0);
	offer(&other, 0, RAM + 4096, 64);
	check_eq(used(&other), 1);
	driver_fetch_finish(0);
	check_eq(used(&slow), 2);
	check_eq(le32toh(slow.ring.used->ring[0].id), 0);
	check_eq(le32toh(slow.ring.used->ring[0].len), 64);
	check_eq(driver_fetches_held(), 0);
	/* RAM needs none of this. */
	offer(&slow, 2, RAM, 64);
	check_eq(used(&slow), 3);
}

/* Whether the fetch works, is not known, or fails: the device's own access decides. */
Test(virtqueue_fetch, fetch_that_fails, .init = setup, .fini = teardown)
{
	offer(&slow, 0, FILE_AT, 64);
	driver_fetch_finish(-EINVAL);
	check_eq(used(&slow), 1);
}

/* Each buffer in the file, and none in RAM, up to what a device takes. */
Test(virtqueue_fetch, buffer_by_buffer, .init = setup, .fini = teardown)
{
	driver_ring_desc(&slow.ring, 0, RAM, 10, WRITE | NEXT, 1);
	driver_ring_desc(&slow.ring, 1, FILE_AT, 10, WRITE | NEXT, 2);
	driver_ring_desc(&slow.ring, 2, FILE_AT + 4096, 0, WRITE | NEXT, 3);
	driver_ring_desc(&slow.ring, 3, FILE_AT + 8192, VIRTQUEUE_FETCH_MAX, WRITE | NEXT, 4);
	driver_ring_desc(&slow.ring, 4, FILE_AT + 8192 + VIRTQUEUE_FETCH_MAX, 10, WRITE, 0);
	driver_ring_offer(&slow.ring, 0);
	driver_ring_doorbell(&slow, 0);
	driver_settle(&host);
	for (unsigned i = 0; i < 2; i++) {
		check_eq(driver_fetches_held(), 1, "buffer %u", i);
		check_eq(used(&slow), 0);
		driver_fetch_finish(0);
	}
	check_eq(driver_fetches_held(), 0);
	check_eq(used(&slow), 1);
}

/*
 * bad input: Buffers: a descriptor that changes while the pages of its buffer are read from storage
 * -> the device uses the buffer that the descriptor named first
 */
Test(virtqueue_fetch, chain_is_private, .init = setup, .fini = teardown)
{
	offer(&slow, 0, FILE_AT, 64);
	driver_ring_desc(&slow.ring, 0, FILE_AT + 4096, 4096, WRITE, 0);
	driver_fetch_finish(0);
	check_eq(used(&slow), 1);
	check_eq(le32toh(slow.ring.used->ring[0].len), 64);
	check_eq(file[4096] | file[4097] | file[4098] | file[4099], 0);
}

/* As a driver does that begins anew, with an empty ring. */
static void reset(void)
{
	driver_reset(&slow);
	slow.ring.avail->idx = slow.ring.used->idx = 0;
}

/*
 * bad input: Buffers: the driver resets the device while pages of a buffer are read from storage ->
 * the request is forgotten, and the next one waits until that read has ended
 */
Test(virtqueue_fetch, reset_meanwhile, .init = setup, .fini = teardown)
{
	offer(&slow, 0, FILE_AT, 64);
	reset();
	driver_start(&slow);
	offer(&slow, 5, RAM, 32);
	check_eq(used(&slow), 0);
	driver_fetch_finish(0);
	check_eq(used(&slow), 1);
	check_eq(le32toh(slow.ring.used->ring[0].id), 5);
	check_eq(file[0] | file[1] | file[2] | file[3], 0);
	offer(&slow, 6, FILE_AT, 64);
	check_eq(driver_fetches_held(), 1);
	reset();
	/* It ends while nobody drives the device. */
	driver_fetch_finish(0);
	driver_start(&slow);
	offer(&slow, 7, RAM, 16);
	check_eq(used(&slow), 1);
	check_eq(le32toh(slow.ring.used->ring[0].id), 7);
}
