// SPDX-License-Identifier: Apache-2.0
/* virtio-rng from doorbell to interrupt: what it fills, how much of it, and what it refuses. */
#include "devices/virtio/rng.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/guarded_copy.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(rng, .timeout = 10);

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define READY 15
#define BUFFER 0x200000ULL

static struct driver_host host;
static struct driver driver;
static struct rng rng;

static void setup(void)
{
	driver_host_init(&host);
	rng_init(&rng, &host.mem);
	driver_attach(&driver, &host, &rng.virtio, 0x10000, 64);
	driver_start(&driver);
	driver_interrupts(&driver);
}

static void teardown(void)
{
	driver_detach(&driver);
	driver_host_fini(&host);
}

static void kick(void)
{
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
}

/* How many of @len bytes at @at are not 0: of random ones, few are. */
static unsigned filled(uint64_t at, unsigned len)
{
	unsigned n = 0;

	for (unsigned i = 0; i < len; i++)
		n += host.ram[at + i] != 0;
	return n;
}

Test(rng, presents_itself, .init = setup, .fini = teardown)
{
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_RNG);
	check_eq(driver_read(&driver, VIRTIO_MMIO_CONFIG), 0);
}

Test(rng, fills_a_buffer_and_interrupts, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 3, BUFFER, 64, WRITE, 0);
	driver_ring_offer(&driver.ring, 3);
	kick();
	check_eq(le16toh(driver.ring.used->idx), 1);
	check_eq(le32toh(driver.ring.used->ring[0].id), 3);
	check_eq(le32toh(driver.ring.used->ring[0].len), 64);
	cr_assert(filled(BUFFER, 64) > 32, "%u", filled(BUFFER, 64));
	check_eq(filled(BUFFER + 64, 64), 0);
	check_eq(driver_interrupts(&driver), 1);
	check_eq(rng.bytes, 64);
}

Test(rng, never_gives_the_same_twice, .init = setup, .fini = teardown)
{
	for (uint16_t i = 0; i < 2; i++) {
		driver_ring_desc(&driver.ring, i, BUFFER + i * 64u, 64, WRITE, 0);
		driver_ring_offer(&driver.ring, i);
	}
	kick();
	check_eq(le16toh(driver.ring.used->idx), 2);
	cr_assert(memcmp(host.ram + BUFFER, host.ram + BUFFER + 64, 64) != 0);
}

Test(rng, fills_several_buffers_in_order, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, BUFFER, 10, WRITE | NEXT, 1);
	driver_ring_desc(&driver.ring, 1, BUFFER + 0x1000, 0, WRITE | NEXT, 2);
	driver_ring_desc(&driver.ring, 2, BUFFER + 0x2000, 100, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick();
	check_eq(le32toh(driver.ring.used->ring[0].len), 110);
	cr_assert(filled(BUFFER, 10) > 4);
	check_eq(filled(BUFFER + 10, 10), 0);
	cr_assert(filled(BUFFER + 0x2000, 100) > 50);
	check_eq(filled(BUFFER + 0x2000 + 100, 100), 0);
}

Test(rng, gives_no_more_than_its_share, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, BUFFER, 1 << 20, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick();
	check_eq(le32toh(driver.ring.used->ring[0].len), RNG_MAX_BYTES);
	cr_assert(filled(BUFFER, RNG_MAX_BYTES) > RNG_MAX_BYTES / 2);
	check_eq(filled(BUFFER + RNG_MAX_BYTES, 4096), 0);
}

/* Another vCPU that is always faster: what is back is offered again before the next is looked at.
 */
static unsigned offers_left;
static bool no_entropy;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	if (offers_left) {
		uint16_t back = le16toh(driver.ring.used->idx);

		offers_left--;
		if (back)
			driver_ring_offer(
				&driver.ring,
				(uint16_t)le32toh(driver.ring.used->ring[(back - 1) % 64].id));
	}
	errno = EAGAIN;
	return no_entropy ? -1 : syscall(SYS_getrandom, buf, len, flags);
}

/*
 * bad input: Doorbell: a driver that offers more and more requests after one doorbell, without end
 * -> the event loop continues with other work in between
 */
Test(rng, a_guest_that_never_stops_does_not_hold_the_loop, .init = setup, .fini = teardown)
{
	for (uint16_t i = 0; i < 2; i++) {
		driver_ring_desc(&driver.ring, i, BUFFER, 8, WRITE, 0);
		driver_ring_offer(&driver.ring, i);
	}
	offers_left = 1000;
	kick();
	check_eq(le16toh(driver.ring.used->idx), 64, "a ring's worth, and then the next event");
	offers_left = 0;
	kick();
	check_eq(le16toh(driver.ring.used->idx), 65);
}

static void expect_broken(void)
{
	kick();
	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), READY | VIRTIO_CONFIG_S_NEEDS_RESET);
	check_eq(le16toh(driver.ring.used->idx), 0);
	driver_reset(&driver);
	driver_ring_init(&driver.ring, host.ram, 0x10000, 64);
	driver_start(&driver);
	driver_ring_desc(&driver.ring, 0, BUFFER, 8, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick();
	check_eq(le16toh(driver.ring.used->idx), 1);
}

Test(rng, readable_buffer, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, BUFFER, 8, NEXT, 1);
	driver_ring_desc(&driver.ring, 1, BUFFER, 8, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	expect_broken();
}

Test(rng, empty_buffer, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, BUFFER, 0, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	expect_broken();
}

Test(rng, buffer_outside_of_memory, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, DRIVER_RAM_SIZE - 4, 8, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	expect_broken();
}

/*
 * bad input: Backing file: a guest asks for entropy into a buffer in the memory of a file that was
 * truncated -> DEVICE_NEEDS_RESET
 */
Test(rng, memory_that_the_host_cannot_supply, .init = setup, .fini = teardown)
{
	char path[32];
	int fd = driver_temp_file("/tmp", 4096, path);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check_eq(guarded_copy_init(), 0);
	check_eq(guest_memory_add(&host.mem, gpa(1ULL << 32), 4096, map, GUEST_PMEM), 0);
	check_eq(ftruncate(fd, 0), 0);
	driver_ring_desc(&driver.ring, 0, 1ULL << 32, 16, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	expect_broken();
	check_eq(rng.bytes, 8, "what is not given does not count");
	munmap(map, 4096);
}

/*
 * bad input: Host resources: the host has no entropy yet, early in its boot -> DEVICE_NEEDS_RESET,
 * and the guest gets no byte that is not random
 */
Test(rng, host_without_entropy, .init = setup, .fini = teardown)
{
	no_entropy = true;
	driver_ring_desc(&driver.ring, 0, BUFFER, 64, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick();
	check_eq(filled(BUFFER, 64), 0);
	no_entropy = false;
	expect_broken();
}
