// SPDX-License-Identifier: Apache-2.0
/*
 * virtio-net from doorbell to interrupt, with a pair of sockets for the tap: what it moves, what it
 * refuses, and that no flood holds the loop. Start reading at sends_a_frame.
 */
#include "devices/virtio/net.h"

#include "devices/virtio/virtio_mmio_state.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/state_file.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

TestSuite(net, .timeout = 20);

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define READY 15
#define BIT(feature) (1ULL << (feature))
#define ALL_FEATURES                                                                               \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_CSUM) |                \
	 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                             \
	 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) |                              \
	 BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN))

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr_v1))
#define FRAME 60
#define SIZE 256
#define RECEIVED 0x200000ULL /* in guest memory */
#define SENT 0x300000ULL
#define FILE_AT 0x40000000ULL

static struct driver_host host;
static struct driver driver; /* its ring is the receive queue's */
static struct driver_ring transmit;
static struct net net, loaded; /* the second is what the first was saved for */
static int peer;	       /* the network */
static uint64_t offloads;
static unsigned offloads_set;
static int offload_error;

static int set_offloads(struct net *which, uint64_t features)
{
	cr_assert(which == &net || which == &loaded);
	offloads = features;
	offloads_set++;
	return -offload_error;
}

static const struct net_ops ops = { .set_offloads = set_offloads };

/* What system calls on the tap answer, instead of doing anything; 0: they do. */
static int read_error, write_error;
static unsigned flood; /* frames that come out of nowhere, */
static unsigned flood_len = FRAME;
static bool swallow; /* what is sent goes nowhere */

/*
 * Another event, which is there when the first frame of a flood is moved: how many had been when it
 * had its turn.
 */
static struct event_op other;
static uint64_t moved_before;
static bool other_waits;

static void other_done(struct event_op *op, int result)
{
	moved_before = net.counters.sent + net.counters.send_dropped + net.counters.received;
}

static void begin_other(void)
{
	if (!other_waits)
		return;
	other_waits = false;
	moved_before = UINT64_MAX;
	other.done = other_done;
	event_loop_poll(&host.loop, &other, host.ready_fd, POLLIN);
}

static ssize_t flooding_frame(const struct iovec *iov)
{
	flood--;
	begin_other();
	memset(iov[0].iov_base, 0, iov[0].iov_len);
	return HEADER + (ssize_t)flood_len;
}

ssize_t readv(int fd, const struct iovec *iov, int n)
{
	if (flood)
		return flooding_frame(iov);
	errno = read_error;
	return read_error ? -1 : syscall(SYS_readv, fd, iov, n);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	begin_other();
	if (swallow)
		return 1;
	errno = write_error;
	return write_error ? -1 : syscall(SYS_writev, fd, iov, n);
}

static void program(unsigned queue, const struct driver_ring *ring)
{
	const struct {
		unsigned offset;
		uint64_t value;
	} writes[] = {
		{ VIRTIO_MMIO_QUEUE_SEL, queue },
		{ VIRTIO_MMIO_QUEUE_NUM, ring->size },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, ring->desc_at },
		{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring->avail_at },
		{ VIRTIO_MMIO_QUEUE_USED_LOW, ring->used_at },
		{ VIRTIO_MMIO_QUEUE_READY, 1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
		driver_write(&driver, writes[i].offset, (uint32_t)writes[i].value);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 1);
}

static void start(uint64_t features)
{
	driver_ring_init(&driver.ring, host.ram, 0x10000, SIZE);
	driver_ring_init(&transmit, host.ram, 0x20000, SIZE);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 3);
	driver_set_features(&driver, features);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 11);
	program(NET_RECEIVE, &driver.ring);
	program(NET_TRANSMIT, &transmit);
	driver_write(&driver, VIRTIO_MMIO_STATUS, READY);
	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), READY);
	driver_settle(&host);
	driver_interrupts(&driver);
}

static void setup(void)
{
	static const uint8_t mac[ETH_ALEN] = { 2, 0, 0, 0x12, 0x34, 0x56 };
	int ends[2];

	driver_host_init(&host);
	check_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	peer = ends[1];
	net_init(&net, "net0", &ops, ends[0], mac, &host.loop, &host.mem);
	driver_attach(&driver, &host, &net.virtio, 0x10000, SIZE);
	start(ALL_FEATURES);
}

static void teardown(void)
{
	driver_detach(&driver);
	driver_host_fini(&host);
	close(net.fd);
	close(peer);
}

static void kick(unsigned queue)
{
	driver_ring_doorbell(&driver, queue);
	driver_settle(&host);
}

static uint16_t used(const struct driver_ring *ring)
{
	return le16toh(ring->used->idx);
}

/* A frame for the driver to send at @at: its header, and behind it FRAME bytes. */
static struct virtio_net_hdr_v1 *prepare(uint64_t at)
{
	struct virtio_net_hdr_v1 *h = (struct virtio_net_hdr_v1 *)(host.ram + at);

	memset(h, 0, HEADER);
	for (unsigned i = 0; i < FRAME; i++)
		host.ram[at + HEADER + i] = (uint8_t)(i + 1);
	return h;
}

static void send_at(uint16_t head, uint64_t at, uint32_t len)
{
	driver_ring_desc(&transmit, head, at, len, 0, 0);
	driver_ring_offer(&transmit, head);
}

static void offer_buffer(uint16_t head, uint64_t at, uint32_t len)
{
	driver_ring_desc(&driver.ring, head, at, len, WRITE, 0);
	driver_ring_offer(&driver.ring, head);
}

/* The next frame on the network; its length, or 0. */
static unsigned arrived(uint8_t *ret_bytes, unsigned size)
{
	ssize_t n = recv(peer, ret_bytes, size, 0);

	return n > 0 ? (unsigned)n : 0;
}

/* A frame of @len bytes for the guest. */
static void arrive(struct virtio_net_hdr_v1 h, unsigned len)
{
	uint8_t bytes[HEADER + 4096];

	memcpy(bytes, &h, HEADER);
	memset(bytes + HEADER, 0xa5, len);
	check_eq(send(peer, bytes, HEADER + len, 0), (ssize_t)(HEADER + len));
	driver_settle(&host);
}

static const struct virtio_net_hdr_v1 plain;

Test(net, presents_itself, .init = setup, .fini = teardown)
{
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_NET);
	check_eq(driver_read(&driver, VIRTIO_MMIO_CONFIG), 0x12000002);
	check_eq(driver_read(&driver, VIRTIO_MMIO_CONFIG + 4), 0x5634);
	check_eq(driver_read(&driver, VIRTIO_MMIO_CONFIG + 8), 0);
}

Test(net, sends_a_frame, .init = setup, .fini = teardown)
{
	uint8_t bytes[256];

	prepare(SENT);
	send_at(3, SENT, HEADER + FRAME);
	kick(NET_TRANSMIT);
	check_eq(arrived(bytes, sizeof(bytes)), HEADER + FRAME);
	cr_assert(memcmp(bytes, host.ram + SENT, HEADER + FRAME) == 0);
	check_eq(used(&transmit), 1);
	check_eq(le32toh(transmit.used->ring[0].id), 3);
	check_eq(le32toh(transmit.used->ring[0].len), 0);
	check_eq(driver_interrupts(&driver), 1);
	check_eq(net.counters.sent, 1);
	check_eq(net.counters.sent_bytes, FRAME);
	kick(NET_TRANSMIT);
	check_eq(driver_interrupts(&driver), 0, "nothing was sent");
}

Test(net, sends_a_frame_in_pieces, .init = setup, .fini = teardown)
{
	uint8_t bytes[256];

	prepare(SENT);
	driver_ring_desc(&transmit, 0, SENT, 5, NEXT, 1);
	driver_ring_desc(&transmit, 1, UINT64_MAX, 0, NEXT, 2);
	driver_ring_desc(&transmit, 2, SENT + 5, 20, NEXT, 3);
	driver_ring_desc(&transmit, 3, SENT + 25, HEADER + FRAME - 25, 0, 0);
	driver_ring_offer(&transmit, 0);
	kick(NET_TRANSMIT);
	check_eq(arrived(bytes, sizeof(bytes)), HEADER + FRAME);
	cr_assert(memcmp(bytes, host.ram + SENT, HEADER + FRAME) == 0);
}

Test(net, receives_a_frame, .init = setup, .fini = teardown)
{
	struct virtio_net_hdr_v1 h = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	const struct virtio_net_hdr_v1 *got = (const void *)(host.ram + RECEIVED);

	offer_buffer(7, RECEIVED, 2048);
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 0);
	arrive(h, FRAME);
	check_eq(used(&driver.ring), 1);
	check_eq(le32toh(driver.ring.used->ring[0].id), 7);
	check_eq(le32toh(driver.ring.used->ring[0].len), HEADER + FRAME);
	check_eq(got->flags, VIRTIO_NET_HDR_F_DATA_VALID);
	check_eq(le16toh(got->num_buffers), 1);
	check_eq(host.ram[RECEIVED + HEADER], 0xa5);
	check_eq(host.ram[RECEIVED + HEADER + FRAME - 1], 0xa5);
	check_eq(host.ram[RECEIVED + HEADER + FRAME], 0);
	check_eq(driver_interrupts(&driver), 1);
	check_eq(net.counters.received, 1);
	check_eq(net.counters.received_bytes, FRAME);
}

/* Neither a buffer that is held nor another one changes while the VM is saved. */
Test(net, frames_wait_while_memory_is_saved, .init = setup, .fini = teardown)
{
	offer_buffer(7, RECEIVED, 2048);
	kick(NET_RECEIVE);
	host.mem.frozen = true;
	arrive(plain, FRAME);
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 0);
	check_eq(host.ram[RECEIVED + HEADER], 0);
	host.mem.frozen = false;
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 1);
	check_eq(host.ram[RECEIVED + HEADER], 0xa5);
}

Test(net, receives_a_frame_in_pieces, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, RECEIVED, 11, WRITE | NEXT, 1);
	driver_ring_desc(&driver.ring, 1, UINT64_MAX, 0, WRITE | NEXT, 2);
	driver_ring_desc(&driver.ring, 2, RECEIVED + 0x100, 2, WRITE | NEXT, 3);
	driver_ring_desc(&driver.ring, 3, RECEIVED + 0x200, FRAME - 1, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick(NET_RECEIVE);
	arrive(plain, FRAME);
	check_eq(used(&driver.ring), 1);
	check_eq(host.ram[RECEIVED + 10], 1, "num_buffers, its lower byte");
	check_eq(host.ram[RECEIVED + 0x100], 0, "and its upper one");
	check_eq(host.ram[RECEIVED + 0x101], 0xa5);
	check_eq(host.ram[RECEIVED + 0x102], 0);
	check_eq(host.ram[RECEIVED + 0x200 + FRAME - 2], 0xa5);
}

Test(net, frames_wait_for_buffers, .init = setup, .fini = teardown)
{
	arrive(plain, FRAME);
	arrive(plain, FRAME + 1);
	check_eq(net.awaiting, false, "a loop would turn for nothing");
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 1);
	check_eq(net.awaiting, false);
	offer_buffer(1, RECEIVED, 2048);
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 2);
	check_eq(le32toh(driver.ring.used->ring[1].len), HEADER + FRAME + 1);
}

/*
 * bad input: Network: a frame that is larger than the guest's buffer -> the frame is dropped and
 * counted, and the next frame gets the buffer
 */
Test(net, frame_that_does_not_fit, .init = setup, .fini = teardown)
{
	offer_buffer(0, RECEIVED, HEADER + FRAME);
	kick(NET_RECEIVE);
	arrive(plain, FRAME + 1);
	check_eq(used(&driver.ring), 0);
	check_eq(net.counters.receive_dropped, 1);
	check_eq(host.ram[RECEIVED + HEADER + FRAME], 0);
	arrive(plain, FRAME);
	check_eq(used(&driver.ring), 1);
	check_eq(le32toh(driver.ring.used->ring[0].len), HEADER + FRAME);
}

Test(net, frames_of_kinds_that_were_not_negotiated_are_not_received, .init = setup,
     .fini = teardown)
{
	static const struct virtio_net_hdr_v1 kinds[] = {
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV6 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP },
		{ .gso_type = VIRTIO_NET_HDR_GSO_ECN },
		{ .gso_type = 0x7f },
	};
	const struct virtio_net_hdr_v1 valid = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };

	start(BIT(VIRTIO_F_VERSION_1));
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		arrive(kinds[i], FRAME);
		check_eq(used(&driver.ring), 0, "kind %u", i);
		check_eq(net.counters.receive_dropped, i + 1);
	}
	arrive(valid, FRAME);
	check_eq(used(&driver.ring), 1);
	check_eq(host.ram[RECEIVED], 0, "means nothing to a driver that did not ask for it");
	start(ALL_FEATURES);
	for (uint16_t i = 0; i < 4; i++)
		offer_buffer(i, RECEIVED, 2048);
	kick(NET_RECEIVE);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		arrive(kinds[i], FRAME);
	check_eq(used(&driver.ring), 4, "the first four are for it");
}

Test(net, tells_the_host_what_the_driver_takes, .init = setup, .fini = teardown)
{
	check_eq(offloads_set, 1);
	check_eq(offloads,
		 ALL_FEATURES & (BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
				 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN)));
	kick(NET_RECEIVE);
	start(ALL_FEATURES);
	check_eq(offloads_set, 1, "it knows");
	start(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_CSUM));
	check_eq(offloads_set, 2);
	check_eq(offloads, BIT(VIRTIO_NET_F_GUEST_CSUM));
}

/*
 * bad input: Network: the tap is gone, and the driver changes its offloads again and again -> only
 * a few lines in the log
 */
Test(net, offloads_that_the_host_refuses, .init = setup, .fini = teardown)
{
	unsigned lines = 0;

	driver_log_capture();
	offload_error = EBADFD;
	for (unsigned i = 0; i < 100; i++)
		start(i % 2 ? ALL_FEATURES : BIT(VIRTIO_F_VERSION_1));
	check_eq(offloads_set, 101);
	for (const char *s = driver_log_text(); (s = strchr(s, '\n')); s++)
		lines++;
	cr_assert(lines >= 1 && lines <= 11, "%u lines", lines);
	check_contains(driver_log_text(), "net0: cannot set the offloads of the tap: ");
}

/* The device works, after the driver has reset it. */
static void expect_working(void)
{
	uint8_t bytes[256];

	start(ALL_FEATURES);
	prepare(SENT);
	send_at(0, SENT, HEADER + FRAME);
	kick(NET_TRANSMIT);
	check_eq(arrived(bytes, sizeof(bytes)), HEADER + FRAME);
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	arrive(plain, FRAME);
	check_eq(used(&driver.ring), 1);
}

static void expect_broken(const char *what)
{
	uint8_t bytes[256];

	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), READY | VIRTIO_CONFIG_S_NEEDS_RESET,
		 "%s", what);
	check_eq(used(&transmit), 0, "%s", what);
	check_eq(used(&driver.ring), 0, "%s", what);
	check_eq(arrived(bytes, sizeof(bytes)), 0, "%s", what);
	expect_working();
}

#define TCPV4 VIRTIO_NET_HDR_GSO_TCPV4
#define CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM

/* bad input: Network: a frame whose header uses what was not negotiated -> DEVICE_NEEDS_RESET */
Test(net, headers_against_the_rules, .init = setup, .fini = teardown)
{
	static const struct {
		const char *what;
		uint64_t features;
		struct virtio_net_hdr_v1 h;
	} cases[] = {
		{ "checksum", 0, { .flags = CSUM } },
		{ "no checksum",
		  BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4),
		  { .gso_type = TCPV4, .gso_size = 8 } },
		{ "tcpv4",
		  BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO6),
		  { .flags = CSUM, .gso_type = TCPV4, .gso_size = 8 } },
		{ "tcpv6",
		  BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4),
		  { .flags = CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 8 } },
		{ "ecn",
		  BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4),
		  { .flags = CSUM, .gso_type = TCPV4 | VIRTIO_NET_HDR_GSO_ECN, .gso_size = 8 } },
		{ "ecn alone",
		  ALL_FEATURES,
		  { .flags = CSUM, .gso_type = VIRTIO_NET_HDR_GSO_ECN } },
		{ "udp",
		  ALL_FEATURES,
		  { .flags = CSUM, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 8 } },
		{ "unknown", ALL_FEATURES, { .flags = CSUM, .gso_type = 0x40, .gso_size = 8 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		start(cases[i].features | BIT(VIRTIO_F_VERSION_1));
		*prepare(SENT) = cases[i].h;
		send_at(0, SENT, HEADER + FRAME);
		kick(NET_TRANSMIT);
		expect_broken(cases[i].what);
	}
}

/*
 * bad input: Network: a frame that is empty, too short or too long, or whose header has impossible
 * values or points beyond the frame -> the frame is dropped and counted
 */
Test(net, frames_without_sense, .init = setup, .fini = teardown)
{
	static const struct {
		const char *what;
		uint32_t len;
		struct virtio_net_hdr_v1 h;
	} cases[] = {
		{ "empty", 0, { .flags = 0 } },
		{ "short", ETH_HLEN - 1, { .flags = 0 } },
		{ "long", NET_FRAME_MAX + 1, { .flags = 0 } },
		{ "sum at the end", FRAME, { .flags = CSUM, .csum_start = FRAME - 1 } },
		{ "sum behind the end",
		  FRAME,
		  { .flags = CSUM, .csum_start = 34, .csum_offset = FRAME - 35 } },
		{ "sum wraps",
		  FRAME,
		  { .flags = CSUM, .csum_start = 0xffff, .csum_offset = 0xffff } },
		{ "no segments", FRAME, { .flags = CSUM, .gso_type = TCPV4, .hdr_len = 54 } },
		{ "long header",
		  FRAME,
		  { .flags = CSUM, .gso_type = TCPV4, .hdr_len = FRAME + 1, .gso_size = 8 } },
	};
	uint8_t bytes[256];

	for (uint16_t i = 0; i < ARRAY_SIZE(cases); i++) {
		*prepare(SENT) = cases[i].h;
		send_at(i, SENT, HEADER + cases[i].len);
		kick(NET_TRANSMIT);
		check_eq(used(&transmit), i + 1, "%s", cases[i].what);
		check_eq(net.counters.send_dropped, i + 1u, "%s", cases[i].what);
		check_eq(arrived(bytes, sizeof(bytes)), 0, "%s", cases[i].what);
		check_eq(driver_interrupts(&driver), 1, "%s", cases[i].what);
	}
	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), READY);
}

Test(net, headers_lose_what_means_nothing, .init = setup, .fini = teardown)
{
	static const struct {
		struct virtio_net_hdr_v1 in, out;
	} cases[] = {
		{ { .flags = 0xfe,
		    .hdr_len = 0xffff,
		    .gso_size = 7,
		    .csum_start = 0xffff,
		    .csum_offset = 9,
		    .num_buffers = 3 },
		  { .flags = 0 } },
		{ { .flags = 0xff,
		    .hdr_len = 0xffff,
		    .gso_size = 7,
		    .csum_start = 34,
		    .csum_offset = FRAME - 36 },
		  { .flags = CSUM, .csum_start = 34, .csum_offset = FRAME - 36 } },
		{ { .flags = CSUM,
		    .gso_type = TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		    .hdr_len = FRAME,
		    .gso_size = 7,
		    .csum_start = 34,
		    .csum_offset = 16,
		    .num_buffers = 1 },
		  { .flags = CSUM,
		    .gso_type = TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		    .hdr_len = FRAME,
		    .gso_size = 7,
		    .csum_start = 34,
		    .csum_offset = 16 } },
	};
	uint8_t bytes[256];

	for (uint16_t i = 0; i < ARRAY_SIZE(cases); i++) {
		*prepare(SENT) = cases[i].in;
		send_at(i, SENT, HEADER + FRAME);
		kick(NET_TRANSMIT);
		check_eq(arrived(bytes, sizeof(bytes)), HEADER + FRAME, "%u", i);
		cr_assert(memcmp(bytes, &cases[i].out, HEADER) == 0, "%u", i);
		cr_assert(memcmp(host.ram + SENT, &cases[i].in, HEADER) == 0, "the guest's stays");
	}
}

/*
 * bad input: Network: a chain for sending that is writable or shorter than its header, or one for
 * receiving that is readable, too short or outside of memory -> DEVICE_NEEDS_RESET
 */
Test(net, chains_against_the_rules, .init = setup, .fini = teardown)
{
	driver_ring_desc(&transmit, 0, SENT, HEADER + FRAME, NEXT, 1);
	driver_ring_desc(&transmit, 1, SENT + 4096, 64, WRITE, 0);
	driver_ring_offer(&transmit, 0);
	kick(NET_TRANSMIT);
	expect_broken("writable");
	start(ALL_FEATURES);
	send_at(0, SENT, HEADER - 1);
	kick(NET_TRANSMIT);
	expect_broken("shorter than its header");
	start(ALL_FEATURES);
	offer_buffer(0, RECEIVED, HEADER);
	kick(NET_RECEIVE);
	expect_broken("room for the header only");
	start(ALL_FEATURES);
	driver_ring_desc(&driver.ring, 0, RECEIVED, 64, NEXT, 1);
	driver_ring_desc(&driver.ring, 1, RECEIVED, 64, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick(NET_RECEIVE);
	expect_broken("readable");
	start(ALL_FEATURES);
	offer_buffer(0, DRIVER_RAM_SIZE - 4, 64);
	kick(NET_RECEIVE);
	expect_broken("outside of memory");
}

Test(net, what_the_host_refuses_is_dropped, .init = setup, .fini = teardown)
{
	static const int errors[] = { EAGAIN, EIO, EINVAL, ENOBUFS, EBADFD, EFAULT };

	prepare(SENT);
	for (uint16_t i = 0; i < ARRAY_SIZE(errors); i++) {
		write_error = errors[i];
		send_at(i, SENT, HEADER + FRAME);
		kick(NET_TRANSMIT);
		check_eq(used(&transmit), i + 1);
		check_eq(net.counters.send_dropped, i + 1u);
		check_eq(net.counters.sent, 0);
	}
	write_error = 0;
	expect_working();
}

/*
 * bad input: Network: the tap's interface is deleted -> a message is logged, no more frames come,
 * and the guest goes on
 */
Test(net, tap_that_is_gone, .init = setup, .fini = teardown)
{
	driver_log_capture();
	read_error = EBADFD;
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	arrive(plain, FRAME);
	check_eq(net.awaiting, false, "a loop would turn for nothing");
	check_eq(used(&driver.ring), 0);
	cr_assert(strstr(driver_log_text(), "net0: cannot receive: "), "%s", driver_log_text());
	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), READY);
}

/*
 * bad input: Network: the tap has a frame that it cannot hand over, because its header cannot
 * describe such a frame -> the frame is dropped and counted, and the next frames come
 */
Test(net, frame_that_the_tap_cannot_give, .init = setup, .fini = teardown)
{
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	read_error = EINVAL;
	arrive(plain, FRAME);
	cr_assert(net.counters.receive_dropped > 0);
	read_error = 0;
	driver_settle(&host);
	check_eq(used(&driver.ring), 1);
}

/* A file of two pages in guest memory, of which the second one is gone. */
static void add_torn_file(void)
{
	char path[32];
	int fd = driver_temp_file("/tmp", 8192, path);
	uint8_t *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert(at != MAP_FAILED);
	check_eq(guest_memory_add(&host.mem, gpa(FILE_AT), 8192, at, GUEST_PMEM), 0);
	check_eq(ftruncate(fd, 4096), 0);
	close(fd);
}

/*
 * bad input: Network: the guest sends a frame from the memory of an image that was truncated -> the
 * frame is dropped and counted
 */
Test(net, frame_in_a_truncated_file, .init = setup, .fini = teardown)
{
	uint8_t bytes[256];

	add_torn_file();
	prepare(SENT);
	driver_ring_desc(&transmit, 0, SENT, HEADER, NEXT, 1);
	driver_ring_desc(&transmit, 1, FILE_AT + 4096, FRAME, 0, 0);
	driver_ring_offer(&transmit, 0);
	kick(NET_TRANSMIT);
	check_eq(used(&transmit), 1);
	check_eq(net.counters.send_dropped, 1);
	check_eq(arrived(bytes, sizeof(bytes)), 0);
	driver_ring_desc(&transmit, 1, FILE_AT, FRAME, 0, 0);
	driver_ring_offer(&transmit, 0);
	kick(NET_TRANSMIT);
	check_eq(arrived(bytes, sizeof(bytes)), HEADER + FRAME);
}

/*
 * bad input: Network: a receive buffer in the memory of an image that was truncated ->
 * DEVICE_NEEDS_RESET
 */
Test(net, buffer_in_a_truncated_file, .init = setup, .fini = teardown)
{
	add_torn_file();
	driver_ring_desc(&driver.ring, 0, RECEIVED, HEADER, WRITE | NEXT, 1);
	driver_ring_desc(&driver.ring, 1, FILE_AT + 4096, 2048, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	kick(NET_RECEIVE);
	arrive(plain, FRAME);
	expect_broken("no memory");
}

Test(net, a_reset_forgets_what_waits, .init = setup, .fini = teardown)
{
	offer_buffer(0, RECEIVED, 2048);
	kick(NET_RECEIVE);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	arrive(plain, FRAME);
	check_eq(used(&driver.ring), 0);
	check_eq(host.ram[RECEIVED + HEADER], 0);
	start(ALL_FEATURES);
	offer_buffer(1, RECEIVED, 2048);
	kick(NET_RECEIVE);
	check_eq(used(&driver.ring), 1, "it waited for the next driver");
	check_eq(le32toh(driver.ring.used->ring[0].id), 1);
}

/*
 * bad input: Network: a doorbell for a ring that is full of frames -> other devices are served in
 * between
 */
Test(net, sending_does_not_hold_the_loop, .init = setup, .fini = teardown)
{
	prepare(SENT);
	write_error = EIO; /* as quick as can be */
	for (uint16_t i = 0; i < SIZE; i++)
		send_at(i, SENT, HEADER + FRAME);
	other_waits = true;
	for (unsigned i = 0; i < 4; i++)
		kick(NET_TRANSMIT);
	cr_assert(moved_before <= 2 * NET_BURST, "%lu", moved_before);
	check_eq(used(&transmit), SIZE, "all of it in the end");
	write_error = 0;
}

/* bad input: Network: a flood of frames from outside -> other devices are served in between */
Test(net, receiving_does_not_hold_the_loop, .init = setup, .fini = teardown)
{
	for (uint16_t i = 0; i < SIZE; i++)
		offer_buffer(i, RECEIVED, 2048);
	kick(NET_RECEIVE);
	flood = UINT32_MAX;
	other_waits = true;
	arrive(plain, FRAME); /* the poll sees it, readv gives others */
	cr_assert(moved_before <= 2 * NET_BURST, "%lu", moved_before);
	for (unsigned i = 0; i < 8; i++)
		driver_settle(&host);
	check_eq(used(&driver.ring), SIZE);
	check_eq(net.awaiting, false, "no buffers, no waiting");
	flood = 0;
}

#define LARGE 60000

/*
 * bad input: Network: frames of 60,000 bytes in both directions -> other devices are served after
 * each 256 KiB
 */
Test(net, large_frames_do_not_hold_the_loop, .init = setup, .fini = teardown)
{
	prepare(SENT);
	swallow = true;
	for (uint16_t i = 0; i < NET_BURST; i++)
		send_at(i, SENT, HEADER + LARGE);
	other_waits = true;
	for (unsigned i = 0; i < 4; i++)
		kick(NET_TRANSMIT);
	cr_assert(moved_before <= 2 * (NET_BURST_BYTES / LARGE + 1), "%lu", moved_before);
	check_eq(used(&transmit), NET_BURST, "all of it in the end");
	net.counters.sent = 0;
	for (uint16_t i = 0; i < NET_BURST; i++)
		offer_buffer(i, RECEIVED, HEADER + LARGE);
	kick(NET_RECEIVE);
	flood = UINT32_MAX;
	flood_len = LARGE;
	other_waits = true;
	arrive(plain, FRAME);
	cr_assert(moved_before <= 2 * (NET_BURST_BYTES / LARGE + 1), "%lu", moved_before);
	for (unsigned i = 0; i < 4; i++)
		driver_settle(&host);
	check_eq(used(&driver.ring), NET_BURST);
	flood = 0;
}

/* A reset between two bursts ends them. */
Test(net, reset_while_sending, .init = setup, .fini = teardown)
{
	prepare(SENT);
	write_error = EIO;
	for (uint16_t i = 0; i < SIZE; i++)
		send_at(i, SENT, HEADER + FRAME);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, NET_TRANSMIT);
	check_eq(net.counters.send_dropped, NET_BURST);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	driver_settle(&host);
	check_eq(net.counters.send_dropped, NET_BURST);
	write_error = 0;
	expect_working();
}

static struct state_file state;
static struct driver loaded_driver;

/* Brings the card to another tap, whose other end is @peer from then on. */
static int save_and_load(void)
{
	static const uint8_t mac[ETH_ALEN] = { 2 };
	int ends[2];

	close(peer);
	check_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	peer = ends[1];
	net_init(&loaded, "net0", &ops, ends[0], mac, &host.loop, &host.mem);
	driver_attach(&loaded_driver, &host, &loaded.virtio, 0x40000, SIZE);
	state_file_save(&state);
	virtio_mmio_save(&driver.mmio, &state.writer);
	net_save(&net, &state.writer);
	state_file_load(&state);
	virtio_mmio_load(&loaded_driver.mmio, &state.reader);
	net_load(&loaded, &state.reader);
	return state_file_result(&state);
}

static void teardown_both(void)
{
	state_file_fini(&state);
	driver_detach(&loaded_driver);
	close(loaded.fd);
	teardown();
}

Test(net, saved_while_it_waits_for_a_frame, .init = setup, .fini = teardown_both)
{
	const uint64_t features = offloads;

	offer_buffer(7, RECEIVED, 2048);
	kick(NET_RECEIVE);
	cr_assert(net.holding && features);
	prepare(SENT);
	send_at(3, SENT, HEADER + FRAME);
	offloads = offloads_set = 0;
	check_eq(save_and_load(), 0, "%s", state.err.text);
	check_eq(offloads_set, 0, "the tap is not touched before all is loaded");
	virtio_mmio_restored(&loaded_driver.mmio);
	driver_settle(&host);
	check_eq(offloads_set, 1);
	check_eq(offloads, features);
	check_eq(used(&transmit), 1, "what the guest offered before the save");
	check_eq(loaded.counters.sent, 1);
	arrive(plain, FRAME);
	check_eq(used(&driver.ring), 1);
	check_eq(le32toh(driver.ring.used->ring[0].id), 7);
	check_eq(le32toh(driver.ring.used->ring[0].len), HEADER + FRAME);
	check_eq(driver_read(&loaded_driver, VIRTIO_MMIO_CONFIG), 0x12000002);
	check_eq(driver_read(&loaded_driver, VIRTIO_MMIO_CONFIG + 4), 0x5634);
}

/*
 * bad input: Snapshots: a snapshot with a network card whose MAC address cannot belong to a card ->
 * refused
 */
Test(net, saved_with_an_address_of_many, .init = setup, .fini = teardown_both)
{
	net.mac[0] = 3;
	check_eq(save_and_load(), -EINVAL);
	check_str(state.err.text, "state: section device: has 03:00:00:12:34:56, which cannot be "
				  "the address of a card; save the VM again");
	check_eq(loaded.mac[0], 2);
	check_eq(loaded.mac[5], 0);
	driver_detach(&loaded_driver);
	close(loaded.fd);
	memset(net.mac, 0, sizeof(net.mac));
	check_eq(save_and_load(), -EINVAL);
	check_eq(loaded.mac[0], 2);
}
