// SPDX-License-Identifier: Apache-2.0
/*
 * virtio-pmem from doorbell to interrupt. The first tests run real fdatasyncs on real files; the
 * others hold each fdatasync (driver_hold_syncs) and decide when and how it ends. Start reading at
 * struct disk and flush_travels.
 */
#include "devices/virtio/pmem.h"

#include "devices/virtio/virtio_mmio_state.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/state_file.h"
#include "vmm/base/guarded_copy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pmem.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(pmem, .timeout = 10);

#define MIB (1ULL << 20)
#define TMPFS "/dev/shm"
#define CHECKOUT "."

#define READY 15
#define BROKEN (READY | VIRTIO_CONFIG_S_NEEDS_RESET)

/* Requests and responses lie in RAM, 16 bytes for each flush; no answer is this. */
#define REQUESTS 0x200000ULL
#define RESPONSES 0x210000ULL
#define NO_ANSWER 0x55555555

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE

struct disk {
	char path[32];
	int fd;
	uint64_t start;
	struct pmem_backing backing;
	struct pmem pmem;
	struct driver driver;
	struct driver_ring *ring;
};

static struct driver_host host;

/* Device @number, with its file of @size bytes in @dir. */
static void plug(struct disk *disk, unsigned number, const char *dir, uint64_t size, bool readonly,
		 bool share, uint16_t queue_size)
{
	struct pmem_backing_options opt = { .path = disk->path,
					    .readonly = readonly,
					    .share = share };
	uint64_t writable;
	struct error err;

	disk->fd = driver_temp_file(dir, size, disk->path);
	check_eq(pmem_backing_open(&disk->backing, &opt, &err), 0, "%s", err.text);
	disk->start = 0x40000000 + number * 0x10000000ULL;
	writable = disk->backing.writable_size;
	if (writable)
		guest_memory_add(&host.mem, gpa(disk->start), writable, disk->backing.host,
				 GUEST_PMEM);
	if (writable < disk->backing.size)
		guest_memory_add(&host.mem, gpa(disk->start + writable),
				 disk->backing.size - writable, disk->backing.host + writable,
				 GUEST_PMEM_READONLY);
	pmem_init(&disk->pmem, "disk", &disk->backing, gpa(disk->start), &host.loop, &host.mem);
	driver_attach(&disk->driver, &host, &disk->pmem.virtio, 0x10000 + number * 0x10000ULL,
		      queue_size);
	disk->ring = &disk->driver.ring;
	driver_start(&disk->driver);
	check_eq(driver_interrupts(&disk->driver), 0);
}

static struct disk disk;

static void setup(void)
{
	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, false, true, 64);
}

static void setup_held(void)
{
	setup();
	driver_hold_syncs(-1);
}

static uint32_t *response(unsigned n)
{
	return (uint32_t *)(host.ram + RESPONSES + 16 * n);
}

/* Offers flush @n: descriptors 2n and 2n + 1. */
static void offer(struct disk *d, unsigned n)
{
	*(uint32_t *)(host.ram + REQUESTS + 16 * n) = htole32(VIRTIO_PMEM_REQ_TYPE_FLUSH);
	*response(n) = NO_ANSWER;
	driver_ring_desc(d->ring, (uint16_t)(2 * n), REQUESTS + 16 * n, 4, NEXT,
			 (uint16_t)(2 * n + 1));
	driver_ring_desc(d->ring, (uint16_t)(2 * n + 1), RESPONSES + 16 * n, 4, WRITE, 0);
	driver_ring_offer(d->ring, (uint16_t)(2 * n));
}

static void kick(struct disk *d)
{
	driver_ring_doorbell(&d->driver, 0);
	driver_settle(&host);
}

static void flush(struct disk *d, unsigned n)
{
	offer(d, n);
	kick(d);
}

static uint16_t used(const struct disk *d)
{
	return le16toh(d->ring->used->idx);
}

static void expect_answer(unsigned n, int32_t ret)
{
	check_eq(le32toh(*response(n)), (uint32_t)ret, "flush %u", n);
}

static void expect_none(unsigned n)
{
	check_eq(*response(n), NO_ANSWER, "flush %u is answered", n);
}

/* Real fdatasync on each file system: store, flush, and what the driver sees of it. */
static void flush_travels(const char *dir)
{
	char byte = 0;

	driver_host_init(&host);
	plug(&disk, 0, dir, 2 * MIB, false, true, 8);
	for (unsigned n = 0; n < 10; n++) {
		disk.backing.host[n] = (uint8_t)(n + 1);
		offer(&disk, n % 4);
		driver_ring_doorbell(&disk.driver, 0);
		driver_await(&host, disk.driver.interrupt_fd, POLLIN);
		check_eq(driver_interrupts(&disk.driver), 1);
		check_eq(driver_read(&disk.driver, VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_VRING);
		driver_write(&disk.driver, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
		expect_answer(n % 4, 0);
		check_eq(used(&disk), n + 1);
		check_eq(disk.ring->used->ring[n % 8].id, htole32(2 * (n % 4)));
		check_eq(disk.ring->used->ring[n % 8].len, htole32(4));
		check_eq(pread(disk.fd, &byte, 1, n), 1);
		check_eq(byte, n + 1);
	}
	check_eq(disk.pmem.counters.flushes, 10);
	check_eq(disk.pmem.counters.fdatasyncs, 10);
	check_eq(disk.pmem.counters.flush_errors, 0);
}

Test(pmem, flush_on_tmpfs)
{
	flush_travels(TMPFS);
}

Test(pmem, flush_on_the_checkouts_file_system)
{
	flush_travels(CHECKOUT);
}

/* A descriptor that fdatasync refuses: a failure that comes from the real system call. */
Test(pmem, real_fdatasync_fails, .init = setup)
{
	int pipes[2];

	check_eq(pipe(pipes), 0);
	disk.backing.fd = pipes[1];
	offer(&disk, 0);
	driver_ring_doorbell(&disk.driver, 0);
	driver_await(&host, disk.driver.interrupt_fd, POLLIN);
	expect_answer(0, -1);
	check_eq(disk.pmem.counters.flush_errors, 1);
}

Test(pmem, configuration, .init = setup)
{
	struct driver *d = &disk.driver;

	check_eq(driver_read(d, VIRTIO_MMIO_DEVICE_ID), 27);
	check_eq(driver_read(d, VIRTIO_MMIO_CONFIG), 0x40000000);
	check_eq(driver_read(d, VIRTIO_MMIO_CONFIG + 4), 0);
	check_eq(driver_read(d, VIRTIO_MMIO_CONFIG + 8), 2 * MIB);
	check_eq(driver_read(d, VIRTIO_MMIO_CONFIG + 12), 0);
	check_eq(driver_read(d, VIRTIO_MMIO_CONFIG + 16), 0);
	check_eq(disk.pmem.virtio.features, 1ULL << VIRTIO_F_VERSION_1);
}

Test(pmem, configuration_has_64_bits)
{
	struct pmem_backing backing = { .fd = -1, .size = 0x0123456789abcdefULL };
	struct pmem pmem;

	driver_host_init(&host);
	backing.fd = host.ready_fd;
	pmem_init(&pmem, "large", &backing, gpa(0xfedcba9876543210ULL), &host.loop, &host.mem);
	check_eq(le64toh(pmem.config.start), 0xfedcba9876543210ULL);
	check_eq(le64toh(pmem.config.size), 0x0123456789abcdefULL);
}

Test(pmem, nothing_is_answered_before_the_fdatasync_ends, .init = setup_held)
{
	flush(&disk, 0);
	check_eq(driver_syncs_held(), 1);
	check_eq(used(&disk), 0);
	expect_none(0);
	check_eq(driver_interrupts(&disk.driver), 0);
	driver_sync_finish(0);
	check_eq(used(&disk), 1);
	expect_answer(0, 0);
	check_eq(driver_interrupts(&disk.driver), 1);
	driver_settle(&host);
	check_eq(driver_syncs_begun(), 1);
}

/* Section 5.19: one fdatasync answers exactly the flushes that were popped before it began. */
Test(pmem, later_flush_needs_its_own_fdatasync, .init = setup_held)
{
	flush(&disk, 0);
	flush(&disk, 1);
	check_eq(driver_syncs_begun(), 1, "at most one runs");
	driver_sync_finish(0);
	expect_answer(0, 0);
	expect_none(1);
	check_eq(used(&disk), 1);
	check_eq(driver_syncs_begun(), 2);
	driver_sync_finish(0);
	expect_answer(1, 0);
	check_eq(used(&disk), 2);
	check_eq(driver_syncs_held(), 0);
	check_eq(disk.pmem.counters.fdatasyncs, 2);
}

/* In the ring, but not yet popped when the fdatasync began, nor when it ended. */
Test(pmem, flush_that_was_not_popped_is_not_answered, .init = setup_held)
{
	flush(&disk, 0);
	offer(&disk, 1);
	driver_sync_finish(0);
	expect_answer(0, 0);
	expect_none(1);
	check_eq(driver_syncs_begun(), 1);
	kick(&disk);
	check_eq(driver_syncs_begun(), 2);
	driver_sync_finish(0);
	expect_answer(1, 0);
}

Test(pmem, flushes_share_an_fdatasync, .init = setup_held)
{
	offer(&disk, 0);
	offer(&disk, 1);
	offer(&disk, 2);
	kick(&disk);
	flush(&disk, 3);
	flush(&disk, 4);
	check_eq(driver_syncs_begun(), 1);
	driver_sync_finish(0);
	check_eq(used(&disk), 3);
	check_eq(driver_interrupts(&disk.driver), 1, "one for all");
	check_eq(driver_syncs_begun(), 2);
	flush(&disk, 5);
	driver_sync_finish(0);
	check_eq(used(&disk), 5);
	expect_answer(3, 0);
	expect_answer(4, 0);
	expect_none(5);
	driver_sync_finish(0);
	expect_answer(5, 0);
	/* In the order in which they came. */
	for (unsigned n = 0; n < 6; n++)
		check_eq(disk.ring->used->ring[n].id, htole32(2 * n));
}

/* bad input: Backing file: fdatasync fails with EIO -> exactly the flushes that it covered fail */
Test(pmem, failure_is_told_to_exactly_the_covered_flushes, .init = setup_held)
{
	offer(&disk, 0);
	offer(&disk, 1);
	kick(&disk);
	flush(&disk, 2);
	driver_sync_finish(-EIO);
	expect_answer(0, -1);
	expect_answer(1, -1);
	expect_none(2);
	driver_sync_finish(0);
	expect_answer(2, 0);
	check_eq(disk.pmem.counters.flush_errors, 2);
	check_eq(disk.pmem.counters.flushes, 1);
	check_eq(driver_interrupts(&disk.driver), 2);
}

/* Linux takes -12 for its own lack of memory and would not fail the write. */
Test(pmem, every_failure_is_minus_one, .init = setup_held)
{
	static const int errors[] = { -EIO, -ENOMEM, -ENOSPC, -EDQUOT, -EBADF, -EINTR, -ECANCELED };

	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		flush(&disk, i);
		driver_sync_finish(errors[i]);
		expect_answer(i, -1);
	}
}

/*
 * bad input: Status: the driver resets the device while flushes are in flight -> these flushes are
 * never answered
 */
Test(pmem, reset_drops_the_answer, .init = setup_held)
{
	flush(&disk, 0);
	flush(&disk, 1);
	driver_reset(&disk.driver);
	driver_sync_finish(0);
	driver_settle(&host);
	expect_none(0);
	expect_none(1);
	check_eq(used(&disk), 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	check_eq(driver_syncs_begun(), 1);
	check_eq(disk.pmem.counters.flushes, 0);
}

/* The driver comes back with the same ring and heads before the old fdatasync has ended. */
/*
 * bad input: Status: the driver resets the device while flushes are in flight, and then uses the
 * same descriptors again -> the new flushes are answered after an fdatasync of their own
 */
Test(pmem, flush_after_a_reset_needs_its_own_fdatasync, .init = setup_held)
{
	flush(&disk, 0);
	flush(&disk, 1);
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	flush(&disk, 0);
	expect_none(0);
	check_eq(driver_syncs_begun(), 1);
	driver_sync_finish(0);
	expect_none(0);
	check_eq(used(&disk), 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_syncs_begun(), 2, "its own");
	driver_sync_finish(0);
	expect_answer(0, 0);
	check_eq(used(&disk), 1);
	check_eq(driver_interrupts(&disk.driver), 1);
}

/*
 * The kernel tells of lost data once. If that once was for flushes that a reset dropped, the next
 * flush must not claim that all is well.
 */
/*
 * bad input: Backing file: fdatasync fails with EIO after a reset, which has made the device
 * forget its flushes -> the next flush fails instead
 */
Test(pmem, failure_during_a_reset_is_not_lost, .init = setup_held)
{
	flush(&disk, 0);
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	driver_sync_finish(-EIO);
	flush(&disk, 1);
	driver_sync_finish(0);
	expect_answer(1, -1);
	flush(&disk, 2);
	driver_sync_finish(0);
	expect_answer(2, 0);
}

/* How Linux takes the device down: QueueReady = 0 while DRIVER_OK is set, then the reset. */
/*
 * bad input: Status: the driver writes 0 to QueueReady while flushes are in flight -> these flushes
 * are never answered
 */
Test(pmem, queue_taken_down_during_an_fdatasync, .init = setup_held)
{
	flush(&disk, 0);
	flush(&disk, 1);
	driver_write(&disk.driver, VIRTIO_MMIO_QUEUE_READY, 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_sync_finish(0);
	driver_settle(&host);
	expect_none(0);
	expect_none(1);
	check_eq(used(&disk), 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), READY);
	check_eq(driver_syncs_begun(), 1);
	/* And up again, with the same heads. */
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_setup_queue(&disk.driver);
	flush(&disk, 0);
	driver_sync_finish(0);
	expect_answer(0, 0);
	check_eq(used(&disk), 1);
}

Test(pmem, broken_driver_gets_no_answers, .init = setup_held)
{
	flush(&disk, 0);
	driver_ring_offer(disk.ring, 9999);
	kick(&disk);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN);
	check_eq(driver_interrupts(&disk.driver), 1, "configuration change");
	driver_sync_finish(0);
	driver_settle(&host);
	expect_none(0);
	check_eq(used(&disk), 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_syncs_held(), 0);
}

/*
 * bad input: Backing file: an fdatasync that takes minutes -> only flushes of the same device wait
 * for it
 */
Test(pmem, blocked_device_delays_no_other)
{
	static struct disk other;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, false, true, 8);
	plug(&other, 1, TMPFS, 2 * MIB, false, true, 64);
	driver_hold_syncs(disk.backing.fd);
	flush(&disk, 0);
	check_eq(driver_syncs_held(), 1);
	for (unsigned n = 1; n <= 20; n++) {
		offer(&other, n);
		driver_ring_doorbell(&other.driver, 0);
		driver_await(&host, other.driver.interrupt_fd, POLLIN);
		check_eq(driver_interrupts(&other.driver), 1);
		expect_answer(n, 0);
	}
	expect_none(0);
	check_eq(driver_interrupts(&disk.driver), 0);
	/* Nor does its failure reach another. */
	driver_sync_finish(-EIO);
	expect_answer(0, -1);
	check_eq(other.pmem.counters.flush_errors, 0);
}

Test(pmem, no_interrupt_is_honoured, .init = setup_held)
{
	disk.ring->avail->flags = htole16(VRING_AVAIL_F_NO_INTERRUPT);
	flush(&disk, 0);
	driver_sync_finish(0);
	check_eq(used(&disk), 1);
	expect_answer(0, 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	/* Unmasked while the fdatasync runs: looked at when it has ended. */
	flush(&disk, 1);
	disk.ring->avail->flags = 0;
	driver_sync_finish(0);
	check_eq(driver_interrupts(&disk.driver), 1);
}

/* What the transport is told comes last: a handler that runs at once finds everything there. */
static uint16_t used_at_notification;

static void note_used(struct virtio_transport *transport, unsigned queue)
{
	check_eq(queue, 0);
	expect_answer(0, 0);
	used_at_notification = used(&disk);
}

Test(pmem, used_ring_is_written_before_the_interrupt, .init = setup_held)
{
	static const struct virtio_transport_ops ops = { .queue_used = note_used };
	struct virtio_transport transport = { &ops };

	disk.pmem.virtio.transport = &transport;
	flush(&disk, 0);
	driver_sync_finish(0);
	check_eq(used_at_notification, 1);
}

/*
 * bad input: Ring: 255 flushes are in flight, and then the driver offers one chain twice ->
 * DEVICE_NEEDS_RESET, and no flush is left in flight
 */
Test(pmem, as_many_in_flight_as_the_queue_holds)
{
	struct driver_ring *ring;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, false, true, 256);
	driver_hold_syncs(-1);
	ring = disk.ring;
	/* One descriptor pair can serve them all but for the head: chains may share their tail. */
	for (uint16_t n = 0; n < 256; n++) {
		driver_ring_desc(ring, n, REQUESTS, 4, NEXT, 255);
		driver_ring_offer(ring, n);
	}
	driver_ring_desc(ring, 255, RESPONSES, 4, WRITE, 0);
	*(uint32_t *)(host.ram + REQUESTS) = 0;
	/* Head 255 has no request. */
	disk.ring->avail->idx = htole16(255);
	kick(&disk);
	check_eq(disk.pmem.n_flushes, 255);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), READY);
	driver_sync_finish(0);
	check_eq(used(&disk), 255);
	/* The same again, then one head twice. */
	for (uint16_t n = 0; n < 255; n++)
		driver_ring_offer(ring, n);
	kick(&disk);
	check_eq(disk.pmem.n_flushes, 255);
	driver_ring_offer(ring, 100);
	kick(&disk);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN);
	check_eq(disk.pmem.n_flushes, 0);
}

Test(pmem, avail_index_wraps_at_65536, .init = setup_held)
{
	for (unsigned n = 0; n < 65536 + 100; n++) {
		offer(&disk, n % 16);
		driver_write(&disk.driver, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		driver_sync_finish(0);
		expect_answer(n % 16, 0);
		check_eq(used(&disk), (uint16_t)(n + 1));
	}
	check_eq(disk.pmem.counters.flushes, 65536 + 100);
}

Test(pmem, doorbell_before_driver_ok, .init = setup_held)
{
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_negotiate(&disk.driver);
	driver_setup_queue(&disk.driver);
	flush(&disk, 0);
	check_eq(driver_syncs_begun(), 0);
	expect_none(0);
	driver_write(&disk.driver, VIRTIO_MMIO_STATUS, READY);
	check_eq(driver_syncs_begun(), 1);
	driver_sync_finish(0);
	expect_answer(0, 0);
	check_eq(driver_interrupts(&disk.driver), 1);
}

/* bad input: Doorbell: a doorbell for an empty ring -> nothing happens */
Test(pmem, kick_with_an_empty_ring, .init = setup_held)
{
	for (unsigned n = 0; n < 100; n++)
		kick(&disk);
	check_eq(driver_syncs_begun(), 0);
	check_eq(used(&disk), 0);
	check_eq(driver_interrupts(&disk.driver), 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), READY);
	flush(&disk, 0);
	driver_sync_finish(0);
	expect_answer(0, 0);
}

/*
 * bad input: Doorbell: 50 doorbells for each of 200 flushes -> each flush is answered once, after
 * one fdatasync
 */
Test(pmem, kick_storm, .init = setup)
{
	for (unsigned n = 0; n < 200; n++) {
		offer(&disk, n % 16);
		for (unsigned i = 0; i < 50; i++)
			driver_ring_doorbell(&disk.driver, 0);
		driver_await(&host, disk.driver.interrupt_fd, POLLIN);
		check_eq(driver_interrupts(&disk.driver), 1);
		expect_answer(n % 16, 0);
	}
	check_eq(disk.pmem.counters.fdatasyncs, 200);
}

/*
 * Requests as descriptors from 0 on, with what becomes of them. "broken" is the rule as it is
 * logged; otherwise @ret is the answer.
 */
struct request_case {
	const char *name;
	const char *broken;
	int32_t ret;
	uint32_t type;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags;
	} desc[8]; /* each chained to the next, up to the first without NEXT */
};

#define PMEM 0x40000000ULL
#define READONLY_TAIL (PMEM + 4096)
#define RQ REQUESTS
#define RS RESPONSES

static const struct request_case request_cases[] = {
	{ "plain", NULL, 0, 0, { { RQ, 4, NEXT }, { RS, 4, WRITE } } },
	{ "long buffers", NULL, 0, 0, { { RQ, 400, NEXT }, { RS, 400, WRITE } } },
	{ "request in two",
	  NULL,
	  0,
	  0,
	  { { RQ, 1, NEXT }, { RQ + 1, 3, NEXT }, { RS, 4, WRITE } } },
	{ "everything in single bytes",
	  NULL,
	  0,
	  0,
	  { { RQ, 1, NEXT },
	    { RQ + 1, 1, NEXT },
	    { RQ + 2, 1, NEXT },
	    { RQ + 3, 1, NEXT },
	    { RS, 1, NEXT | WRITE },
	    { RS + 1, 1, NEXT | WRITE },
	    { RS + 2, 1, NEXT | WRITE },
	    { RS + 3, 1, WRITE } } },
	{ "empty ones in between",
	  NULL,
	  0,
	  0,
	  { { 0, 0, NEXT },
	    { RQ, 4, NEXT },
	    { ~0ULL, 0, NEXT },
	    { ~0ULL, 0, NEXT | WRITE },
	    { RS, 2, NEXT | WRITE },
	    { 0, 0, NEXT | WRITE },
	    { RS + 2, 2, NEXT | WRITE },
	    { 0, 0, WRITE } } },
	{ "more room than the answer needs",
	  NULL,
	  0,
	  0,
	  { { RQ, 4, NEXT },
	    { RS, 3, NEXT | WRITE },
	    { RS + 3, 5, NEXT | WRITE },
	    { 0, 4, WRITE } } },
	{ "unknown type", NULL, -1, 1, { { RQ, 4, NEXT }, { RS, 4, WRITE } } },
	{ "unknown type, all bits", NULL, -1, ~0u, { { RQ, 4, NEXT }, { RS, 4, WRITE } } },
	{ "unknown type, last byte", NULL, -1, 1u << 24, { { RQ, 4, NEXT }, { RS, 4, WRITE } } },
	{ "unknown type, split",
	  NULL,
	  -1,
	  256,
	  { { RQ, 1, NEXT }, { RQ + 1, 3, NEXT }, { RS, 2, NEXT | WRITE }, { RS + 2, 2, WRITE } } },

	{ "no request", "request shorter", 0, 0, { { RS, 4, WRITE } } },
	{ "request of 3 bytes", "request shorter", 0, 0, { { RQ, 3, NEXT }, { RS, 4, WRITE } } },
	{ "request of nothing", "request shorter", 0, 0, { { RQ, 0, NEXT }, { RS, 4, WRITE } } },
	{ "no response", "response buffer shorter", 0, 0, { { RQ, 4, 0 } } },
	{ "response of 3 bytes",
	  "response buffer shorter",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { RS, 3, WRITE } } },
	{ "response of nothing",
	  "response buffer shorter",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { RS, 0, WRITE } } },
	{ "both to read", "response buffer shorter", 0, 0, { { RQ, 4, NEXT }, { RS, 4, 0 } } },
	{ "both to write", "request shorter", 0, 0, { { RQ, 4, NEXT | WRITE }, { RS, 4, WRITE } } },
	{ "the wrong way round",
	  "behind a writable",
	  0,
	  0,
	  { { RS, 4, NEXT | WRITE }, { RQ, 4, 0 } } },
	{ "indirect", "indirect", 0, 0, { { RQ, 32, VRING_DESC_F_INDIRECT } } },
	{ "request at no address",
	  "outside of guest memory",
	  0,
	  0,
	  { { 0x30000000, 4, NEXT }, { RS, 4, WRITE } } },
	{ "response at no address",
	  "outside of writable",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { 0x30000000, 4, WRITE } } },
	{ "response across the end of RAM",
	  "outside of writable",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { DRIVER_RAM_SIZE - 2, 4, WRITE } } },
	{ "response wraps",
	  "outside of writable",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { ~0ULL - 1, 4, WRITE } } },
	{ "response where nothing may be written",
	  "outside of writable",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { READONLY_TAIL, 4, WRITE } } },
	{ "response from pmem into that",
	  "outside of writable",
	  0,
	  0,
	  { { RQ, 4, NEXT }, { READONLY_TAIL - 2, 4, WRITE } } },
};

static void send_request(const struct request_case *c)
{
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	*(uint32_t *)(host.ram + RQ) = htole32(c->type);
	memset(host.ram + RS, NO_ANSWER & 0xff, 512);
	for (uint16_t i = 0; i < 8; i++)
		driver_ring_desc(disk.ring, i, c->desc[i].addr, c->desc[i].len, c->desc[i].flags,
				 (uint16_t)(i + 1));
	driver_ring_offer(disk.ring, 0);
	kick(&disk);
}

/*
 * bad input: Buffers: request and response are split over several descriptors, with empty ones
 * between them -> they are handled as if they were whole
 * bad input: Buffers: request or response is shorter than 4 bytes, or missing ->
 * DEVICE_NEEDS_RESET
 * bad input: Buffers: both descriptors are readable, both are writable, or their order is wrong ->
 * DEVICE_NEEDS_RESET
 * bad input: Buffers: a response with room for more than 4 bytes -> only 4 bytes are written
 * bad input: Buffers: a request of an unknown type -> the answer is -1, and never what Linux takes
 * for ENOMEM
 * bad input: Buffers: a response that lies partly behind the end of the image file ->
 * DEVICE_NEEDS_RESET
 */
Test(pmem, requests)
{
	driver_host_init(&host);
	/* The file's second page is half full, so that its place is not writable. */
	plug(&disk, 0, TMPFS, 4096 + 2048, false, true, 8);
	driver_hold_syncs(-1);
	for (size_t i = 0; i < ARRAY_SIZE(request_cases); i++) {
		const struct request_case *c = &request_cases[i];

		driver_log_capture();
		disk.driver.mmio.limit = (struct log_limit){ 0 };
		send_request(c);
		if (c->broken) {
			check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN, "%s",
				 c->name);
			cr_assert(strstr(driver_log_text(), c->broken), "%s: '%s'", c->name,
				  driver_log_text());
			check_eq(driver_syncs_held(), 0, "%s", c->name);
			expect_none(0);
			check_eq(used(&disk), 0, "%s", c->name);
			check_eq(driver_interrupts(&disk.driver), 1, "%s", c->name);
			continue;
		}
		cr_assert(driver_syncs_held() || c->ret, "%s", c->name);
		if (driver_syncs_held())
			driver_sync_finish(0);
		check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), READY, "%s", c->name);
		expect_answer(0, c->ret);
		check_eq(used(&disk), 1, "%s", c->name);
		check_eq(disk.ring->used->ring[0].len, htole32(4), "%s", c->name);
		check_eq(driver_interrupts(&disk.driver), 1, "%s", c->name);
		for (unsigned n = 4; n < 512; n++)
			check_eq(host.ram[RS + n], NO_ANSWER & 0xff, "%s: behind the answer",
				 c->name);
	}
}

/* A buffer may lie in pmem, this device's own too. */
/*
 * bad input: Buffers: request and response are in the memory of a pmem device -> this is legal, and
 * the flush is answered
 */
Test(pmem, request_and_response_in_pmem, .init = setup_held)
{
	uint32_t *words = (uint32_t *)disk.backing.host;

	words[16] = NO_ANSWER;
	driver_ring_desc(disk.ring, 0, PMEM, 4, NEXT, 1);
	driver_ring_desc(disk.ring, 1, PMEM + 64, 4, WRITE, 0);
	driver_ring_offer(disk.ring, 0);
	kick(&disk);
	driver_sync_finish(0);
	check_eq(words[16], 0);
	check_eq(used(&disk), 1);
}

Test(pmem, response_in_the_last_bytes_of_pmem, .init = setup_held)
{
	driver_ring_desc(disk.ring, 0, REQUESTS, 4, NEXT, 1);
	driver_ring_desc(disk.ring, 1, PMEM + 2 * MIB - 4, 4, WRITE, 0);
	driver_ring_offer(disk.ring, 0);
	memset(disk.backing.host + 2 * MIB - 4, 0x55, 4);
	kick(&disk);
	driver_sync_finish(-EIO);
	check_eq(*(int32_t *)(disk.backing.host + 2 * MIB - 4), -1);
}

/* bad input: Buffers: a response in the memory of a read-only pmem device -> DEVICE_NEEDS_RESET */
Test(pmem, response_in_a_readonly_device)
{
	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, true, true, 8);
	driver_ring_desc(disk.ring, 0, PMEM, 4, NEXT, 1);
	driver_ring_desc(disk.ring, 1, PMEM + 64, 4, WRITE, 0);
	driver_ring_offer(disk.ring, 0);
	kick(&disk);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN);
}

/* The answer overwrites the ring that it is answered through: the driver's loss, not ours. */
/*
 * bad input: Buffers: a response that overwrites a part of the ring, for each of its parts -> only
 * the driver's own queue is harmed, and a reset makes the device work again
 */
Test(pmem, response_in_the_ring_itself, .init = setup_held)
{
	const uint64_t places[] = {
		disk.ring->desc_at,	 disk.ring->avail_at, disk.ring->avail_at + 2,
		disk.ring->avail_at + 4, disk.ring->used_at,  disk.ring->used_at + 2,
		disk.ring->used_at + 4,
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (int result = -EIO; result <= 0; result += EIO) {
			driver_reset(&disk.driver);
			driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
			driver_start(&disk.driver);
			offer(&disk, 0);
			disk.ring->desc[1].addr = htole64(places[i]);
			kick(&disk);
			driver_sync_finish(result);
			kick(&disk);
			while (driver_syncs_held())
				driver_sync_finish(0);
		}
	}
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	flush(&disk, 1);
	driver_sync_finish(0);
	expect_answer(1, 0);
}

/* A good flush ahead of a bad one in the same drain: the device is broken, nobody is answered. */
/*
 * bad input: Buffers: a bad request behind a good one -> DEVICE_NEEDS_RESET, and neither is
 * answered
 */
Test(pmem, bad_request_behind_a_good_one, .init = setup_held)
{
	offer(&disk, 0);
	offer(&disk, 1);
	disk.ring->desc[2].len = htole32(3);
	kick(&disk);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN);
	check_eq(driver_syncs_begun(), 0);
	expect_none(0);
	flush(&disk, 2);
	expect_none(2);
}

Test(pmem, unknown_type_among_flushes, .init = setup_held)
{
	offer(&disk, 0);
	offer(&disk, 1);
	*(uint32_t *)(host.ram + REQUESTS + 16) = htole32(7);
	offer(&disk, 2);
	kick(&disk);
	driver_sync_finish(0);
	expect_answer(0, 0);
	expect_answer(1, -1);
	expect_answer(2, 0);
	check_eq(used(&disk), 3);
}

/*
 * Another vCPU refills the ring with requests of an unknown type as fast as they are refused: that
 * must not keep the loop from its other work. Here the refill happens when the driver is told.
 */
static unsigned n_answers;

static void refill(struct virtio_transport *transport, unsigned queue)
{
	if (++n_answers < 10000)
		driver_ring_offer(disk.ring, (uint16_t)(2 * (n_answers % 32)));
}

/*
 * bad input: Buffers: requests of an unknown type, and for each that is answered the driver offers
 * another one -> after as many requests as the queue holds, the event loop continues with other
 * work
 */
Test(pmem, refused_requests_do_not_hold_the_loop, .init = setup_held)
{
	static const struct virtio_transport_ops ops = { .queue_used = refill };
	struct virtio_transport transport = { &ops };

	for (unsigned n = 0; n < 32; n++) {
		offer(&disk, n);
		*(uint32_t *)(host.ram + REQUESTS + 16 * n) = htole32(7);
	}
	disk.pmem.virtio.transport = &transport;
	disk.pmem.virtio.ops->kick(&disk.pmem.virtio, 0);
	cr_assert(n_answers <= 64, "%u answers for one kick of a queue of 64", n_answers);
}

Test(pmem, readonly_device_needs_no_fdatasync)
{
	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, true, true, 8);
	flush(&disk, 0);
	expect_answer(0, 0);
	check_eq(driver_interrupts(&disk.driver), 1);
	check_eq(driver_syncs_begun(), 0);
	check_eq(disk.pmem.counters.flushes, 1);
}

Test(pmem, private_device_needs_no_fdatasync)
{
	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, false, false, 8);
	offer(&disk, 0);
	offer(&disk, 1);
	kick(&disk);
	expect_answer(0, 0);
	expect_answer(1, 0);
	check_eq(driver_interrupts(&disk.driver), 1);
	check_eq(driver_syncs_begun(), 0);
}

/* Stores behind the end of the file: what is kept is kept, and what is not fails one flush. */
/*
 * bad input: Backing file: a guest stores across the end of the file -> the bytes within the file
 * are kept, the rest is dropped, and the next flush fails
 */
Test(pmem, dropped_store_fails_the_next_flush)
{
	const uint32_t value = 0x04030201;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 4096 + 6, false, true, 64);
	driver_hold_syncs(-1);
	pmem_store(&disk.pmem, 4096, &value, 4);
	check_eq(disk.pmem.counters.stores_dropped, 0);
	flush(&disk, 0);
	driver_sync_finish(0);
	expect_answer(0, 0);
	pmem_store(&disk.pmem, 4100, &value, 4);
	check_eq(disk.pmem.counters.stores_dropped, 1);
	check_eq(disk.backing.host[4101], 2);
	check_eq(disk.backing.host[4102], 0);
	flush(&disk, 1);
	driver_sync_finish(0);
	expect_answer(1, -1);
	flush(&disk, 2);
	driver_sync_finish(0);
	expect_answer(2, 0);
}

Test(pmem, dropped_store_survives_a_reset)
{
	const uint32_t value = 1;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 4096, false, true, 8);
	driver_hold_syncs(-1);
	flush(&disk, 0);
	pmem_store(&disk.pmem, 8192, &value, 4);
	driver_reset(&disk.driver);
	driver_sync_finish(0);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	flush(&disk, 1);
	driver_sync_finish(0);
	expect_answer(1, -1);
}

/* A request that would have been refused anyway does not count as having told. */
Test(pmem, dropped_store_is_not_told_to_a_refused_request)
{
	const uint32_t value = 1;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 4096, false, true, 8);
	driver_hold_syncs(-1);
	pmem_store(&disk.pmem, 8192, &value, 4);
	offer(&disk, 0);
	*(uint32_t *)(host.ram + REQUESTS) = htole32(7);
	kick(&disk);
	if (driver_syncs_held())
		driver_sync_finish(0);
	expect_answer(0, -1);
	flush(&disk, 1);
	driver_sync_finish(0);
	expect_answer(1, -1);
	flush(&disk, 2);
	driver_sync_finish(0);
	expect_answer(2, 0);
}

/*
 * bad input: Backing file: a guest stores to a read-only disk -> the store is dropped, counted and
 * logged, and the next flush fails
 */
Test(pmem, store_to_a_readonly_device_fails_the_next_flush)
{
	const uint64_t value = 1;

	driver_host_init(&host);
	plug(&disk, 0, TMPFS, 2 * MIB, true, true, 8);
	driver_log_capture();
	pmem_store(&disk.pmem, 0, &value, 8);
	check_contains(driver_log_text(), "is read-only");
	flush(&disk, 0);
	expect_answer(0, -1);
	flush(&disk, 1);
	expect_answer(1, 0);
	check_eq(disk.pmem.counters.stores_dropped, 1);
}

/* The host took the file away, in which the driver had put its requests and responses. */
static void lose_file(void)
{
	check_eq(guarded_copy_init(), 0);
	check_eq(ftruncate(disk.fd, 0), 0);
	driver_log_capture();
}

/*
 * bad input: Backing file: a flush whose request lies in the memory of a file that was truncated ->
 * this request fails, and the next one does not
 */
Test(pmem, unreadable_request_fails, .init = setup)
{
	offer(&disk, 0);
	driver_ring_desc(disk.ring, 0, disk.start, 4, NEXT, 1);
	lose_file();
	kick(&disk);
	driver_await(&host, disk.driver.interrupt_fd, POLLIN);
	expect_answer(0, -1);
	check_contains(driver_log_text(),
		       "request failed: the host cannot supply a page of a pmem disk");
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), READY,
		 "it is not the driver's fault");
	check_eq(driver_interrupts(&disk.driver), 1);
	flush(&disk, 1);
	driver_await(&host, disk.driver.interrupt_fd, POLLIN);
	expect_answer(1, 0);
}

/*
 * An answer that cannot be written is not used; others of the same batch are.
 * bad input: Backing file: a flush whose response lies in the memory of a file that was truncated
 * -> DEVICE_NEEDS_RESET and no answer; the device works again after a reset
 */
Test(pmem, unwritable_response_needs_a_reset, .init = setup_held)
{
	offer(&disk, 0);
	driver_ring_desc(disk.ring, 1, disk.start, 4, WRITE, 0);
	offer(&disk, 1);
	driver_ring_doorbell(&disk.driver, 0);
	driver_settle(&host);
	lose_file();
	driver_sync_finish(0);
	check_eq(used(&disk), 1);
	check_eq(le32toh(disk.ring->used->ring[0].id), 2);
	expect_answer(1, 0);
	check_eq(driver_read(&disk.driver, VIRTIO_MMIO_STATUS), BROKEN);
	check_contains(driver_log_text(),
		       "the host cannot supply a page of a pmem disk that a response lies in");
	driver_reset(&disk.driver);
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	flush(&disk, 2);
	driver_sync_finish(0);
	expect_answer(2, 0);
}

/* Reset after reset with fdatasyncs running; real ones, which end when they will. */
/*
 * bad input: Status: the driver resets the device a thousand times while it sends flushes -> no
 * answer and no interrupt from before a reset comes after it
 */
Test(pmem, a_thousand_resets_under_load, .init = setup)
{
	for (unsigned n = 0; n < 1000; n++) {
		for (unsigned i = 0; i < 8; i++)
			offer(&disk, i);
		driver_ring_doorbell(&disk.driver, 0);
		if (n % 2)
			driver_settle(&host);
		driver_reset(&disk.driver);
		/* From here on nothing may be written to the ring, nor answered. */
		driver_interrupts(&disk.driver);
		driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
		for (unsigned i = 0; i < 8; i++)
			*response(i) = NO_ANSWER;
		driver_settle(&host);
		check_eq(used(&disk), 0);
		check_eq(driver_interrupts(&disk.driver), 0);
		expect_none(0);
		driver_start(&disk.driver);
	}
	offer(&disk, 3);
	driver_ring_doorbell(&disk.driver, 0);
	driver_await(&host, disk.driver.interrupt_fd, POLLIN);
	expect_answer(3, 0);
}

/* The same with the fdatasync held, so that every reset finds one running. */
/*
 * bad input: Status: the driver resets the device a thousand times while one fdatasync runs -> no
 * further fdatasync is begun
 */
Test(pmem, resets_do_not_add_fdatasyncs, .init = setup_held)
{
	for (unsigned n = 0; n < 1000; n++) {
		offer(&disk, n % 16);
		driver_write(&disk.driver, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		driver_reset(&disk.driver);
		driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
		driver_start(&disk.driver);
	}
	check_eq(driver_syncs_begun(), 1);
	driver_sync_finish(0);
	check_eq(used(&disk), 0);
	check_eq(driver_syncs_held(), 0);
}

Test(pmem, buckets_of_the_histogram)
{
	check_eq(pmem_bucket_from_ns(0), 0);
	check_eq(pmem_bucket_from_ns(1), 2000);
	check_eq(pmem_bucket_from_ns(10), 1024000);
	check_eq(pmem_bucket_from_ns(PMEM_LATENCY_BUCKETS - 1), 8388608000);
}

Test(pmem, counters_have_names)
{
	static const char *const names[] = { "flushes", "flush-errors", "coalesced", "fdatasyncs",
					     "stores-dropped" };
	const struct pmem pmem = {
		.virtio.name = "nv1",
		.counters = { .flushes = 1,
			      .flush_errors = 2,
			      .coalesced = 3,
			      .fdatasyncs = 4,
			      .stores_dropped = 5 },
	};
	struct device_counters c;

	pmem_count(&pmem, &c);
	check_str(c.id, "nv1");
	check_eq(c.n, ARRAY_SIZE(names));
	for (unsigned i = 0; i < c.n; i++) {
		check_str(c.list[i].name, names[i]);
		check_eq(c.list[i].value, i + 1);
	}
}

static unsigned n_idle;

static void tell_idle(struct pmem *pmem)
{
	cr_assert(pmem == &disk.pmem);
	cr_assert(pmem_is_idle(pmem));
	n_idle++;
}

static void tell_failure(struct pmem *pmem, int error)
{
}

Test(pmem, tells_when_it_is_idle, .init = setup_held)
{
	static const struct pmem_ops ops = { .flush_failed = tell_failure, .idle = tell_idle };
	static const struct pmem_ops deaf = { .flush_failed = tell_failure };

	disk.pmem.ops = &ops;
	cr_assert(pmem_is_idle(&disk.pmem));
	flush(&disk, 0);
	flush(&disk, 1);
	cr_assert(!pmem_is_idle(&disk.pmem));
	driver_sync_finish(0);
	check_eq(n_idle, 0, "the second flush needs another fdatasync");
	driver_sync_finish(-EIO);
	check_eq(n_idle, 1);
	check_eq(used(&disk), 2);
	/* A flush that is dropped leaves its fdatasync running. */
	flush(&disk, 2);
	driver_reset(&disk.driver);
	cr_assert(!pmem_is_idle(&disk.pmem));
	driver_sync_finish(0);
	check_eq(n_idle, 2);
	disk.pmem.ops = &deaf;
	driver_ring_init(disk.ring, host.ram, disk.ring->desc_at, disk.ring->size);
	driver_start(&disk.driver);
	flush(&disk, 0);
	driver_sync_finish(0);
	cr_assert(pmem_is_idle(&disk.pmem));
	check_eq(n_idle, 2);
}

/* For a save: the guest must not lose an error that it was not told. */
Test(pmem, syncs_without_a_flush, .init = setup_held)
{
	static const struct pmem_ops ops = { .flush_failed = tell_failure, .idle = tell_idle };

	disk.pmem.ops = &ops;
	pmem_sync(&disk.pmem);
	cr_assert(!pmem_is_idle(&disk.pmem));
	driver_sync_finish(0);
	check_eq(n_idle, 1);
	check_eq(disk.pmem.sync_result, 0);
	pmem_sync(&disk.pmem);
	driver_sync_finish(-EIO);
	check_eq(n_idle, 2);
	check_eq(disk.pmem.sync_result, -EIO);
	check_eq(used(&disk), 0);
	flush(&disk, 0);
	driver_sync_finish(0);
	check_eq(disk.pmem.counters.flush_errors, 1, "the next flush fails");
	disk.backing.share = false;
	pmem_sync(&disk.pmem);
	cr_assert(pmem_is_idle(&disk.pmem));
}

static struct state_file state;

/* Saves @from and loads it into @to, which has the same memory. */
static void save_and_load(const struct disk *from, struct disk *to)
{
	state_file_save(&state);
	virtio_mmio_save(&from->driver.mmio, &state.writer);
	pmem_save(&from->pmem, &state.writer);
	state_file_load(&state);
	virtio_mmio_load(&to->driver.mmio, &state.reader);
	pmem_load(&to->pmem, &state.reader);
	check_eq(state_file_result(&state), 0, "%s", state.err.text);
	virtio_mmio_restored(&to->driver.mmio);
	driver_settle(&host);
	state_file_fini(&state);
}

Test(pmem, saved_with_flushes_in_flight, .init = setup_held)
{
	static struct disk other;

	plug(&other, 1, TMPFS, 2 * MIB, false, true, 64);
	flush(&disk, 0);
	driver_sync_finish(0);
	flush(&disk, 1);
	flush(&disk, 2);
	check_eq(driver_syncs_begun(), 2);
	save_and_load(&disk, &other);
	/* They are asked for again, of the file that is there now. */
	check_eq(driver_syncs_begun(), 3);
	check_eq(other.pmem.n_flushes, 2);
	driver_sync_finish(0);
	driver_sync_finish(0);
	expect_answer(1, 0);
	expect_answer(2, 0);
	check_eq(other.pmem.counters.flushes, 2);
	check_eq(used(&disk), 3);
}

Test(pmem, untold_error_is_saved, .init = setup)
{
	static struct disk readonly, other;

	plug(&readonly, 1, TMPFS, 2 * MIB, true, true, 64);
	plug(&other, 2, TMPFS, 2 * MIB, true, true, 64);
	check_eq(pmem_store(&readonly.pmem, 0, "1", 1), 0);
	save_and_load(&readonly, &other);
	offer(&readonly, 0); /* the ring that @other was loaded with */
	kick(&other);
	expect_answer(0, -1);
	offer(&readonly, 1);
	kick(&other);
	expect_answer(1, 0);
	/* What a device was to tell before it is loaded it does not tell any more. */
	check_eq(pmem_store(&other.pmem, 0, "1", 1), 0);
	save_and_load(&disk, &other);
	cr_assert(!other.pmem.error_pending);
}

/*
 * bad input: Snapshots: a snapshot with a pmem device whose yes-or-no value is neither 0 nor 1 ->
 * refused
 */
Test(pmem, saved_error_of_two)
{
	struct pmem pmem = { 0 };

	state_file_save(&state);
	state_writer_u8(&state.writer, 2);
	state_file_load(&state);
	pmem_load(&pmem, &state.reader);
	check_eq(state_file_result(&state), -EINVAL);
	cr_assert(!pmem.error_pending);
	state_file_fini(&state);
}
