// SPDX-License-Identifier: Apache-2.0
/* The socket device, with hosts played by hand: how connections begin and end, credit, and guests
 * that break the rules. */
#include "devices/virtio/vsock.h"

#include "devices/virtio/virtio_mmio_state.h"
#include "tests/support/state_file.h"
#include "tests/support/vsock_guest.h"
#include "vmm/base/container_of.h"
#include "vmm/base/guarded_copy.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(vsock, .timeout = 20);

#define PORT 52	    /* of the host */
#define LOCAL 1024u /* of the guest */

/* The host's end of a connection. */
struct peer {
	struct vsock_stream stream;
	uint32_t port; /* the guest asked for, or what accepted says */
	uint8_t got[4 * VSOCK_BUFFER];
	uint32_t n_got, room; /* how much more it takes */
	uint8_t give[2 * VSOCK_BUFFER];
	uint32_t n_give, given;
	bool end;	/* nothing comes behind what is to give */
	bool gone;	/* reads and writes fail */
	unsigned await; /* events */
	unsigned shut;
	bool closed;
};

static struct vsock_guest guest;
static struct vsock vsock;
static uint8_t buffers[VSOCK_BUFFERS];
static struct peer peers[VSOCK_MAX_CONNECTIONS + 1];
static unsigned n_peers;
static bool listening;
static void (*on_write)(void);

static struct peer *peer_of(struct vsock_stream *stream)
{
	return container_of(stream, struct peer, stream);
}

static void peer_accepted(struct vsock_stream *stream, uint32_t port)
{
	peer_of(stream)->port = port;
}

static int peer_read(struct vsock_stream *stream, void *buf, uint32_t len)
{
	struct peer *p = peer_of(stream);
	uint32_t n = p->n_give - p->given < len ? p->n_give - p->given : len;

	cr_assert(!p->closed && len > 0);
	if (p->gone)
		return -ECONNRESET;
	if (!n)
		return p->end ? 0 : -EAGAIN;
	memcpy(buf, p->give + p->given, n);
	p->given += n;
	return (int)n;
}

static int peer_write(struct vsock_stream *stream, const void *buf, uint32_t len)
{
	struct peer *p = peer_of(stream);
	uint32_t n = len < p->room ? len : p->room;

	cr_assert(!p->closed && len > 0);
	if (on_write)
		on_write();
	if (p->gone)
		return -EPIPE;
	if (!n)
		return -EAGAIN;
	memcpy(p->got + p->n_got, buf, n);
	p->n_got += n;
	p->room -= n;
	return (int)n;
}

static void peer_await(struct vsock_stream *stream, unsigned event)
{
	peer_of(stream)->await |= event;
}

static void peer_shutdown(struct vsock_stream *stream, unsigned flag)
{
	cr_assert(!(peer_of(stream)->shut & flag), "shut down twice");
	peer_of(stream)->shut |= flag;
}

static void peer_close(struct vsock_stream *stream)
{
	cr_assert(!peer_of(stream)->closed, "closed twice");
	peer_of(stream)->closed = true;
}

static const struct vsock_stream_ops peer_ops = {
	.accepted = peer_accepted,
	.read = peer_read,
	.write = peer_write,
	.await = peer_await,
	.shutdown = peer_shutdown,
	.close = peer_close,
};

static struct peer *new_peer(void)
{
	struct peer *p = &peers[n_peers++];

	p->stream.ops = &peer_ops;
	p->room = sizeof(p->got);
	return p;
}

static struct vsock_stream *host_connect(struct vsock_host *host, uint32_t port)
{
	struct peer *p = listening ? new_peer() : NULL;

	if (p)
		p->port = port;
	return p ? &p->stream : NULL;
}

static const struct vsock_host_ops host_ops = { .connect = host_connect };
static struct vsock_host vsock_host = { .ops = &host_ops };

/* Has the device told of what it waits for, as an event loop would. */
static void happens(struct peer *p, unsigned event)
{
	cr_assert(event == VSOCK_HANGUP || p->await & event, "nobody waits for event %u", event);
	p->await &= ~event;
	vsock_event(&vsock, &p->stream, event);
}

static void send_from_peer(struct peer *p, const void *data, uint32_t len)
{
	memcpy(p->give + p->n_give, data, len);
	p->n_give += len;
	happens(p, VSOCK_READABLE);
}

static void setup(void)
{
	driver_host_init(&guest.host);
	vsock_init(&vsock, GUEST_CID, &vsock_host, &guest.host.loop, &guest.host.mem, buffers);
	driver_attach(&guest.driver, &guest.host, &vsock.virtio, 0x40000, 16);
	listening = true;
	guest_start(&guest);
	guest_offer_all(&guest);
	driver_interrupts(&guest.driver);
}

static void teardown(void)
{
	vsock_fini(&vsock);
	for (unsigned i = 0; i < n_peers; i++)
		cr_assert(peers[i].closed, "peer %u is left open", i);
	driver_detach(&guest.driver);
	driver_host_fini(&guest.host);
}

/* A connection that the guest has asked for. */
static struct peer *connected_from(uint32_t local)
{
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, local, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, local);
	return &peers[n_peers - 1];
}

static struct peer *connected(void)
{
	return connected_from(LOCAL);
}

/* Still usable, for another connection. */
static void expect_works(void)
{
	struct peer *p = connected_from(9999);

	cr_assert(!guest_broken(&guest));
	guest_send_data(&guest, 9999, PORT, "works", 5);
	check_eq(p->n_got, 5);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, 9999, PORT);
	cr_assert(p->closed);
	guest_expect_none(&guest);
}

Test(vsock, presents_itself, .init = setup, .fini = teardown)
{
	check_eq(driver_read(&guest.driver, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_VSOCK);
	check_eq(driver_read(&guest.driver, VIRTIO_MMIO_CONFIG), GUEST_CID);
	check_eq(driver_read(&guest.driver, VIRTIO_MMIO_CONFIG + 4), 0);
}

Test(vsock, guest_connects, .init = setup, .fini = teardown)
{
	struct vsock_packet p;

	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	p = guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	check_eq(p.buf_alloc, VSOCK_BUFFER);
	check_eq(p.fwd_cnt, 0);
	check_eq(peers[0].port, PORT);
	cr_assert(driver_interrupts(&guest.driver) >= 1);
}

Test(vsock, nobody_listens, .init = setup, .fini = teardown)
{
	listening = false;
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	listening = true;
	expect_works();
}

Test(vsock, host_connects, .init = setup, .fini = teardown)
{
	struct peer *p = new_peer();
	struct vsock_packet packet;

	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	packet = guest_take(&guest);
	check_eq(packet.op, VIRTIO_VSOCK_OP_REQUEST);
	check_eq(packet.dst_port, 1234);
	check_eq(p->port, 0, "not before the guest has answered");
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, 1234, packet.src_port);
	check_eq(p->port, packet.src_port);
	send_from_peer(p, "hello", 5);
	packet = guest_expect(&guest, VIRTIO_VSOCK_OP_RW, packet.src_port, 1234);
	check_eq(packet.len, 5);
	cr_assert(memcmp(guest.payload, "hello", 5) == 0);
}

Test(vsock, host_connects_where_nobody_listens, .init = setup, .fini = teardown)
{
	struct peer *p = new_peer();
	struct vsock_packet packet;

	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	packet = guest_take(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, 1234, packet.src_port);
	cr_assert(p->closed);
	check_eq(p->port, 0);
	guest_expect_none(&guest);
}

Test(vsock, host_gives_up_before_the_answer, .init = setup, .fini = teardown)
{
	struct peer *p = new_peer();
	struct vsock_packet packet;

	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	packet = guest_take(&guest);
	happens(p, VSOCK_HANGUP);
	cr_assert(p->closed);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, packet.src_port, 1234);
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, 1234, packet.src_port);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, packet.src_port, 1234);
	check_eq(p->port, 0);
}

Test(vsock, ports_of_the_host_differ, .init = setup, .fini = teardown)
{
	uint32_t first;

	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1234), 0);
	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1234), 0);
	first = guest_take(&guest).src_port;
	cr_assert(guest_take(&guest).src_port != first);
	/* Also when they have come round. */
	vsock.next_port = first;
	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1234), 0);
	check_eq(guest_take(&guest).src_port, first + 2);
}

Test(vsock, data_both_ways, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet;

	guest_send_data(&guest, LOCAL, PORT, "to the host", 11);
	check_eq(p->n_got, 11);
	cr_assert(memcmp(p->got, "to the host", 11) == 0);
	send_from_peer(p, "to the guest", 12);
	packet = guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL);
	check_eq(packet.len, 12);
	check_eq(packet.fwd_cnt, 11);
	check_eq(packet.buf_alloc, VSOCK_BUFFER);
	cr_assert(memcmp(guest.payload, "to the guest", 12) == 0);
	check_eq(p->await, VSOCK_READABLE, "it is asked when there is no more");
}

/* Packets of both sides wait while the VM is saved. */
Test(vsock, waits_while_memory_is_saved, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	guest.host.mem.frozen = true;
	send_from_peer(p, "to the guest", 12);
	guest_expect_none(&guest);
	guest_send_data(&guest, LOCAL, PORT, "x", 1);
	check_eq(p->n_got, 0);
	guest.host.mem.frozen = false;
	guest_send_data(&guest, LOCAL, PORT, "y", 1);
	check_eq(p->n_got, 2);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL);
	cr_assert(memcmp(guest.payload, "to the guest", 12) == 0);
}

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* A slow host: what it does not take waits in the buffer, over its end and from its start on. */
Test(vsock, data_waits_in_order, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	uint8_t data[10000];
	uint32_t sent = 0;

	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < sizeof(data); i++)
			data[i] = pattern(sent + i);
		p->room = round % 3 ? 3000 : 0;
		guest_send_data(&guest, LOCAL, PORT, data, sizeof(data));
		sent += sizeof(data);
		check_eq(p->await & VSOCK_WRITABLE, VSOCK_WRITABLE);
		p->room = sent - p->n_got - round % 5;
		happens(p, VSOCK_WRITABLE);
		while (guest_waiting(&guest))
			guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL);
	}
	p->room = sizeof(data);
	if (p->await & VSOCK_WRITABLE)
		happens(p, VSOCK_WRITABLE);
	check_eq(p->n_got, sent);
	for (uint32_t i = 0; i < sent; i++)
		check_eq(p->got[i], pattern(i), "byte %u", i);
}

Test(vsock, credit_is_given_in_time, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	uint8_t data[VSOCK_BUFFER / 4] = { 0 };
	struct vsock_packet packet;

	p->room = 0;
	for (unsigned i = 0; i < 4; i++)
		guest_send_data(&guest, LOCAL, PORT, data, sizeof(data));
	guest_expect_none(&guest);
	p->room = sizeof(data);
	happens(p, VSOCK_WRITABLE);
	guest_expect_none(&guest);
	p->room = sizeof(data);
	happens(p, VSOCK_WRITABLE);
	packet = guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL);
	check_eq(packet.fwd_cnt, 2 * sizeof(data));
	/* And for the asking, at any time. */
	guest_send(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, LOCAL, PORT);
	packet = guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL);
	check_eq(packet.fwd_cnt, 2 * sizeof(data));
	check_eq(packet.buf_alloc, VSOCK_BUFFER);
}

Test(vsock, credit_of_the_guest_is_respected, .init = setup, .fini = teardown)
{
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	uint8_t data[300] = { 0 };
	struct peer *p;

	packet.buf_alloc = 100;
	guest_send_packet(&guest, &packet, NULL, 0);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	p = &peers[0];
	send_from_peer(p, data, sizeof(data));
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 100);
	guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, PORT, LOCAL);
	guest_expect_none(&guest);
	/* An answer that gives nothing is not asked for again. */
	packet.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	guest_send_packet(&guest, &packet, NULL, 0);
	guest_expect_none(&guest);
	packet.fwd_cnt = 60;
	guest_send_packet(&guest, &packet, NULL, 0);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 60);
	guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, PORT, LOCAL);
	packet.buf_alloc = 1000;
	guest_send_packet(&guest, &packet, NULL, 0);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 140);
}

Test(vsock, half_close_by_the_guest, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->room = 2;
	guest_send_data(&guest, LOCAL, PORT, "last", 4);
	guest_shutdown(&guest, LOCAL, PORT, VIRTIO_VSOCK_SHUTDOWN_SEND);
	check_eq(p->shut, 0, "not before the last byte");
	p->room = 100;
	happens(p, VSOCK_WRITABLE);
	check_eq(p->n_got, 4);
	check_eq(p->shut, VIRTIO_VSOCK_SHUTDOWN_SEND);
	send_from_peer(p, "answer", 6);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 6);
	p->end = true;
	happens(p, VSOCK_READABLE);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VIRTIO_VSOCK_SHUTDOWN_SEND);
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	cr_assert(p->closed);
}

Test(vsock, half_close_by_the_host, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->end = true;
	send_from_peer(p, "last", 4);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 4);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VIRTIO_VSOCK_SHUTDOWN_SEND);
	guest_send_data(&guest, LOCAL, PORT, "answer", 6);
	check_eq(p->n_got, 6);
	cr_assert(!p->closed);
}

Test(vsock, guest_takes_no_more, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	guest_shutdown(&guest, LOCAL, PORT, VIRTIO_VSOCK_SHUTDOWN_RCV);
	check_eq(p->shut, VIRTIO_VSOCK_SHUTDOWN_RCV);
	send_from_peer(p, "unwanted", 8);
	guest_expect_none(&guest);
	check_eq(p->given, 0);
	guest_send_data(&guest, LOCAL, PORT, "still", 5);
	check_eq(p->n_got, 5);
	/* Then the end of the host is that of both. */
	happens(p, VSOCK_HANGUP);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VSOCK_SHUTDOWN_BOTH);
	cr_assert(p->closed);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, PORT);
	guest_expect_none(&guest);
}

Test(vsock, close_by_the_guest_waits_for_the_last_byte, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->room = 0;
	guest_send_data(&guest, LOCAL, PORT, "last", 4);
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_expect_none(&guest);
	p->room = 100;
	happens(p, VSOCK_WRITABLE);
	check_eq(p->n_got, 4);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	cr_assert(p->closed);
}

/* A guest that is tired of waiting, as Linux is after 8 s. */
Test(vsock, reset_by_the_guest_loses_nothing_it_sent, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->room = 0;
	guest_send_data(&guest, LOCAL, PORT, "last", 4);
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, PORT);
	cr_assert(!p->closed);
	/* For the guest the connection is over, and the port free. */
	connected();
	p->room = 100;
	happens(p, VSOCK_WRITABLE);
	check_eq(p->n_got, 4);
	cr_assert(p->closed);
	guest_expect_none(&guest);
}

/*
 * bad input: Socket device: the program on the host ends while data of both sides is under way ->
 * the guest gets the data, and then the end of the connection
 */
Test(vsock, peer_dies, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->room = 0;
	guest_send_data(&guest, LOCAL, PORT, "in vain", 7);
	p->end = true;
	happens(p, VSOCK_HANGUP);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VIRTIO_VSOCK_SHUTDOWN_RCV);
	send_from_peer(p, "last words", 10);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 10);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VSOCK_SHUTDOWN_BOTH);
	cr_assert(p->closed);
	/* What the guest sent before it read that is dropped, and is credit again. */
	guest_send_data(&guest, LOCAL, PORT, "too late", 8);
	guest_send(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, LOCAL, PORT);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL).fwd_cnt, 15);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, PORT);
	guest_expect_none(&guest);
	expect_works();
}

Test(vsock, peer_is_found_dead_by_a_write, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	p->gone = true;
	guest_send_data(&guest, LOCAL, PORT, "in vain", 7);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VIRTIO_VSOCK_SHUTDOWN_RCV);
	happens(p, VSOCK_READABLE);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VSOCK_SHUTDOWN_BOTH);
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	expect_works();
}

/*
 * bad input: Socket device: the driver resets the device while connections are open -> all of them
 * are closed, and the programs on the host get what was sent
 */
Test(vsock, device_reset_ends_all_connections, .init = setup, .fini = teardown)
{
	struct peer *a = connected(), *b = connected_from(LOCAL + 1), *asked = new_peer();

	b->room = 0;
	guest_send_data(&guest, LOCAL + 1, PORT, "last", 4);
	check_eq(vsock_connect(&vsock, &asked->stream, 1234), 0);
	driver_reset(&guest.driver);
	cr_assert(a->closed && asked->closed && !b->closed);
	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1234), -ENOTCONN);
	peers[--n_peers] = (struct peer){ 0 };
	b->room = 100;
	happens(b, VSOCK_WRITABLE);
	check_eq(b->n_got, 4);
	cr_assert(b->closed);
	guest_start(&guest);
	guest_offer_all(&guest);
	expect_works();
}

Test(vsock, queue_off_ends_all_connections, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	driver_write(&guest.driver, VIRTIO_MMIO_QUEUE_SEL, VSOCK_TX);
	driver_write(&guest.driver, VIRTIO_MMIO_QUEUE_READY, 0);
	cr_assert(p->closed);
	guest_ring(&guest, VSOCK_RX);
	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1), 0);
	guest_expect_none(&guest);
}

Test(vsock, nothing_before_the_driver_is_ready, .init = setup, .fini = teardown)
{
	driver_reset(&guest.driver);
	check_eq(vsock_connect(&vsock, &new_peer()->stream, 1), -ENOTCONN);
	peers[--n_peers] = (struct peer){ 0 };
}

Test(vsock, connections_take_turns, .init = setup, .fini = teardown)
{
	struct peer *a = connected(), *b = connected_from(LOCAL + 1);
	unsigned from_a = 0;

	/* Both have to wait for buffers of the guest's. */
	while (vsock.queues[VSOCK_RX].last_avail != le16toh(guest.rx.avail->idx)) {
		guest_send(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, LOCAL, PORT);
	}
	send_from_peer(a, guest.host.ram, VSOCK_BUFFER);
	send_from_peer(b, guest.host.ram, VSOCK_BUFFER);
	while (guest_waiting(&guest))
		guest_take(&guest);
	guest_ring(&guest, VSOCK_RX);
	guest_take(&guest); /* of a credit request that had no buffer */
	for (unsigned i = 0; i < 10; i++)
		from_a += guest_take(&guest).dst_port == LOCAL;
	check_eq(from_a, 5);
}

/* The bad packets: each ends at most its own connection. */

static void expect_reset(struct peer *p)
{
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	guest_expect_none(&guest);
	cr_assert(p->closed);
	expect_works();
}

/*
 * From both sides: connections, those that nobody took, and bytes, but for those without credit.
 *
 * bad input: Socket device: the guest sends more bytes than it has credit for -> that connection
 * is reset
 */
Test(vsock, counters, .init = setup, .fini = teardown)
{
	static const uint8_t data[VSOCK_BUFFER + 1];
	const struct vsock_counters *n = &vsock.counters;
	struct peer *p = connected();
	struct vsock_packet packet;

	check_eq(n->connections, 1);
	send_from_peer(p, "hello", 5);
	guest_take(&guest);
	p->room = 0;
	guest_send_data(&guest, LOCAL, PORT, data, 7);
	check_eq(n->received_bytes, 5);
	check_eq(n->sent_bytes, 7);
	guest_send_data(&guest, LOCAL, PORT, data, VSOCK_BUFFER);
	check_eq(n->sent_bytes, 7);
	listening = false;
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL + 1, PORT);
	check_eq(n->refused, 1);
	p = new_peer();
	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	while ((packet = guest_take(&guest)).op != VIRTIO_VSOCK_OP_REQUEST)
		;
	check_eq(n->connections, 1, "not before the guest has answered");
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, 1234, packet.src_port);
	check_eq(n->refused, 2);
	p = new_peer();
	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	packet = guest_take(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, 1234, packet.src_port);
	check_eq(n->connections, 2);
	check_eq(n->refused, 2);
}

Test(vsock, more_than_the_credit, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	static uint8_t data[VSOCK_BUFFER];

	p->room = 0;
	guest_send_data(&guest, LOCAL, PORT, data, VSOCK_BUFFER);
	guest_expect_none(&guest);
	guest_send_data(&guest, LOCAL, PORT, data, 1);
	expect_reset(p);
}

/* What the host has taken is credit once the guest has been told of it, and not before. */
Test(vsock, credit_that_was_not_given, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	static uint8_t data[VSOCK_BUFFER];

	guest_send_data(&guest, LOCAL, PORT, data, VSOCK_BUFFER / 4);
	check_eq(p->n_got, VSOCK_BUFFER / 4);
	guest_send_data(&guest, LOCAL, PORT, data, VSOCK_BUFFER);
	expect_reset(p);
}

/*
 * bad input: Socket device: a packet whose header says that it is longer than its buffers -> that
 * connection is reset
 */
Test(vsock, longer_than_its_buffers, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);

	packet.len = 9;
	guest_send_packet(&guest, &packet, "12345678", 8);
	check_eq(p->n_got, 0);
	expect_reset(p);
}

/*
 * bad input: Socket device: a packet whose header says that it has 4 GiB -> that connection is
 * reset
 */
Test(vsock, absurdly_long, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);

	packet.len = UINT32_MAX;
	guest_send_packet(&guest, &packet, "12345678", 8);
	expect_reset(p);
}

/*
 * bad input: Socket device: a packet that is longer than any credit, in buffers that are as long ->
 * that connection is reset
 */
Test(vsock, longer_than_any_credit, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);
	static uint8_t data[VSOCK_BUFFER + 1];

	packet.len = sizeof(data);
	guest_send_packet(&guest, &packet, data, sizeof(data));
	check_eq(p->n_got, 0);
	expect_reset(p);
}

/* bad input: Socket device: a packet with an unknown operation -> that connection is reset */
Test(vsock, unknown_operation, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	guest_send(&guest, 99, LOCAL, PORT);
	expect_reset(p);
}

/*
 * bad input: Socket device: a request for a connection that exists already, or an answer to one
 * that was answered already -> that connection is reset
 */
Test(vsock, operation_out_of_place, .init = setup, .fini = teardown)
{
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	expect_reset(&peers[0]);
	connected();
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, LOCAL, PORT);
	expect_reset(&peers[n_peers - 1]);
}

/*
 * bad input: Socket device: the guest sends data after it said that no more would come -> that
 * connection is reset
 */
Test(vsock, data_behind_the_end, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	guest_shutdown(&guest, LOCAL, PORT, VIRTIO_VSOCK_SHUTDOWN_SEND);
	guest_send_data(&guest, LOCAL, PORT, "more", 4);
	check_eq(p->n_got, 0);
	expect_reset(p);
}

/*
 * bad input: Socket device: the guest sends data before it has answered the request for the
 * connection -> that connection is reset
 */
Test(vsock, data_instead_of_an_answer, .init = setup, .fini = teardown)
{
	struct peer *p = new_peer();
	uint32_t port;

	check_eq(vsock_connect(&vsock, &p->stream, LOCAL), 0);
	port = guest_take(&guest).src_port;
	guest_send_data(&guest, LOCAL, port, "hello", 5);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, port, LOCAL);
	cr_assert(p->closed);
	check_eq(p->n_got, 0);
	expect_works();
}

/*
 * bad input: Socket device: a packet for a connection that does not exist -> it is answered with a
 * reset, unless it is itself a reset
 */
Test(vsock, packets_for_no_connection, .init = setup, .fini = teardown)
{
	for (uint16_t op = 0; op < 10; op++) {
		if (op == VIRTIO_VSOCK_OP_REQUEST)
			continue;
		guest_send(&guest, op, LOCAL, PORT);
		if (op != VIRTIO_VSOCK_OP_RST)
			guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
		guest_expect_none(&guest);
	}
	expect_works();
}

/*
 * bad input: Socket device: a packet of an unknown type -> it is answered with a reset, and an
 * existing connection of the same ports goes on
 */
Test(vsock, unknown_type, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);

	packet.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	guest_send_packet(&guest, &packet, NULL, 0);
	packet = guest_take(&guest);
	check_eq(packet.op, VIRTIO_VSOCK_OP_RST);
	check_eq(packet.type, VIRTIO_VSOCK_TYPE_SEQPACKET);
	guest_send_data(&guest, LOCAL, PORT, "hello", 5);
	check_eq(p->n_got, 5);
	expect_works();
}

/*
 * bad input: Socket device: a packet for another CID than the host's -> it is answered with a reset
 */
Test(vsock, other_destination, .init = setup, .fini = teardown)
{
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);

	packet.dst_cid = 77;
	guest_send_packet(&guest, &packet, NULL, 0);
	packet = guest_take(&guest);
	check_eq(packet.op, VIRTIO_VSOCK_OP_RST);
	check_eq(packet.src_cid, 77);
	check_eq(n_peers, 0);
	expect_works();
}

/*
 * bad input: Socket device: a packet from a CID that is not the guest's -> it is dropped and logged
 */
Test(vsock, other_source, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RST, LOCAL, PORT);

	packet.src_cid = GUEST_CID + (1ULL << 32);
	guest_send_packet(&guest, &packet, NULL, 0);
	guest_expect_none(&guest);
	cr_assert(!p->closed);
	expect_works();
}

/*
 * bad input: Socket device: the guest announces credit that is impossible -> nothing is sent to it
 * until its credit is possible again
 */
Test(vsock, absurd_credit, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, LOCAL, PORT);

	packet.fwd_cnt = 1000;
	guest_send_packet(&guest, &packet, NULL, 0);
	send_from_peer(p, "hello", 5);
	guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_REQUEST, PORT, LOCAL);
	guest_expect_none(&guest);
	packet.fwd_cnt = 0;
	guest_send_packet(&guest, &packet, NULL, 0);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL);
}

/*
 * bad input: Socket device: the guest opens more connections than there is room for -> the request
 * is answered with a reset, and one works again when another connection has ended
 */
Test(vsock, too_many_connections, .init = setup, .fini = teardown)
{
	for (uint32_t i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		connected_from(LOCAL + i);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, 99, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, 99);
	check_eq(vsock_connect(&vsock, &peers[VSOCK_MAX_CONNECTIONS].stream, 1), -EBUSY);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL + 7, PORT);
	expect_works();
}

/*
 * bad input: Socket device: a guest sends packets that need answers, and takes no answers -> the
 * device takes no more packets until the guest takes its answers
 */
Test(vsock, guest_that_takes_no_answers, .init = setup, .fini = teardown)
{
	unsigned answers = 0;

	driver_reset(&guest.driver);
	guest_start(&guest);
	for (unsigned i = 0; i < 100; i++)
		guest_send(&guest, VIRTIO_VSOCK_OP_RW, LOCAL, PORT);
	check_eq(le16toh(guest.tx.used->idx), VSOCK_MAX_RESETS);
	guest_offer_all(&guest);
	check_eq(le16toh(guest.tx.used->idx), 100);
	for (; guest_waiting(&guest); answers++)
		guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	check_eq(answers, 100);
	expect_works();
}

/* Another vCPU that is always faster: it offers a packet whenever one is taken. */
static unsigned offers_left;

static void offer_another(void)
{
	struct vsock_packet p = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);

	if (!offers_left)
		return;
	offers_left--;
	p.len = 1;
	guest_stage(&guest, &p, "x", 1);
}

/*
 * bad input: Doorbell: the guest sends packets without end after one doorbell of the socket device
 * -> the event loop continues with other work in between
 */
Test(vsock, a_guest_that_never_stops_does_not_hold_the_loop, .init = setup, .fini = teardown)
{
	struct peer *p = connected();
	uint16_t before = le16toh(guest.tx.used->idx);

	on_write = offer_another;
	offers_left = 1000;
	guest_send_data(&guest, LOCAL, PORT, "x", 1);
	offers_left = 0;
	check_eq((uint16_t)(le16toh(guest.tx.used->idx) - before), GUEST_RING_SIZE);
	check_eq(p->n_got, GUEST_RING_SIZE);
	guest_ring(&guest, VSOCK_TX);
	check_eq(p->n_got, GUEST_RING_SIZE + 1);
}

#define BUSY 32 /* connections with VSOCK_BUFFER bytes to move each */

/*
 * bad input: Doorbell: the guest sends megabytes for many connections of the socket device at once
 * -> the device takes 256 KiB at a time, and other devices are served in between
 */
Test(vsock, much_from_the_guest_takes_turns, .init = setup, .fini = teardown)
{
	static const uint8_t data[VSOCK_BUFFER];
	uint32_t moved = 0;

	for (unsigned i = 0; i < BUSY; i++)
		connected_from(LOCAL + i);
	for (unsigned i = 0; i < BUSY; i++) {
		struct vsock_packet p = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL + i, PORT);

		p.len = sizeof(data);
		guest_stage(&guest, &p, data, sizeof(data));
	}
	vsock.virtio.ops->kick(&vsock.virtio, VSOCK_TX);
	for (unsigned i = 0; i < BUSY; i++)
		moved += peers[i].n_got;
	cr_assert(moved && moved <= VSOCK_TURN, "%u bytes", moved);
	for (unsigned i = 0; i < 4; i++)
		driver_settle(&guest.host);
	for (unsigned i = 0; i < BUSY; i++)
		check_eq(peers[i].n_got, sizeof(data), "connection %u", i);
}

Test(vsock, much_to_the_guest_takes_turns, .init = setup, .fini = teardown)
{
	uint32_t moved = 0;

	for (unsigned i = 0; i < BUSY; i++)
		connected_from(LOCAL + i);
	guest_ring(&guest, VSOCK_RX);
	/* As when the loop finds all of them readable at once. */
	for (unsigned i = 0; i < BUSY; i++)
		send_from_peer(&peers[i], peers[BUSY].give, VSOCK_BUFFER);
	for (unsigned i = 0; i < BUSY; i++)
		moved += peers[i].given;
	cr_assert(moved && moved <= VSOCK_TURN, "%u bytes", moved);
	moved = 0;
	for (unsigned i = 0; i < 20; i++) {
		driver_settle(&guest.host);
		while (guest_waiting(&guest))
			moved += guest_take(&guest).len;
		guest_ring(&guest, VSOCK_RX);
	}
	check_eq(moved, BUSY * VSOCK_BUFFER);
}

/* The faults of rings: they break the device, until the driver resets it. */

static void expect_broken(struct peer *p)
{
	cr_assert(guest_broken(&guest));
	cr_assert(p->closed);
	driver_reset(&guest.driver);
	guest_start(&guest);
	guest_offer_all(&guest);
	expect_works();
}

/*
 * bad input: Socket device: a packet shorter than its header -> DEVICE_NEEDS_RESET, and all
 * connections are closed
 */
Test(vsock, shorter_than_a_header, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	driver_ring_desc(&guest.tx, 9, GUEST_TX_AT, GUEST_HEADER - 1, 0, 0);
	driver_ring_offer(&guest.tx, 9);
	guest_ring(&guest, VSOCK_TX);
	expect_broken(p);
}

/*
 * bad input: Socket device: a writable buffer in the transmit queue -> DEVICE_NEEDS_RESET, and all
 * connections are closed
 */
Test(vsock, writable_packet, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	driver_ring_desc(&guest.tx, 9, GUEST_TX_AT, GUEST_HEADER, VRING_DESC_F_NEXT, 10);
	driver_ring_desc(&guest.tx, 10, GUEST_TX_AT + 0x1000, 8, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&guest.tx, 9);
	guest_ring(&guest, VSOCK_TX);
	expect_broken(p);
}

/*
 * bad input: Socket device: a packet outside of guest memory -> DEVICE_NEEDS_RESET, and all
 * connections are closed
 */
Test(vsock, packet_outside_of_memory, .init = setup, .fini = teardown)
{
	struct peer *p = connected();

	driver_ring_desc(&guest.tx, 9, DRIVER_RAM_SIZE - 8, GUEST_HEADER, 0, 0);
	driver_ring_offer(&guest.tx, 9);
	guest_ring(&guest, VSOCK_TX);
	expect_broken(p);
}

/* Leaves the device with no receive buffer but what is offered now. */
static void restart_without_buffers(void)
{
	driver_reset(&guest.driver);
	guest_start(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
}

/*
 * bad input: Socket device: a receive buffer that is not writable -> DEVICE_NEEDS_RESET, and all
 * connections are closed
 */
Test(vsock, readable_receive_buffer, .init = setup, .fini = teardown)
{
	restart_without_buffers();
	driver_ring_desc(&guest.rx, 0, GUEST_RX_AT, GUEST_BUFFER, VRING_DESC_F_NEXT, 1);
	driver_ring_desc(&guest.rx, 1, GUEST_RX_AT, GUEST_BUFFER, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&guest.rx, 0);
	guest_ring(&guest, VSOCK_RX);
	expect_broken(&peers[0]);
}

/*
 * bad input: Socket device: a receive buffer without room for a single byte behind the header ->
 * DEVICE_NEEDS_RESET, and all connections are closed
 */
Test(vsock, small_receive_buffer, .init = setup, .fini = teardown)
{
	restart_without_buffers();
	guest_offer(&guest, 0, GUEST_HEADER);
	guest_ring(&guest, VSOCK_RX);
	expect_broken(&peers[0]);
}

#define FILE_AT (1ULL << 32)

/* A file of two pages in guest memory, of which the second one is gone. */
static void add_torn_file(void)
{
	char name[32];
	int fd = driver_temp_file("/tmp", 8192, name);
	uint8_t *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert(at != MAP_FAILED);
	check_eq(guarded_copy_init(), 0);
	check_eq(guest_memory_add(&guest.host.mem, gpa(FILE_AT), 8192, at, GUEST_PMEM), 0);
	check_eq(ftruncate(fd, 4096), 0);
	close(fd);
}

/*
 * bad input: Backing file: a packet of the socket device whose header or data is in the memory of a
 * file that was truncated -> DEVICE_NEEDS_RESET, and all connections are closed
 */
Test(vsock, packet_in_a_truncated_file, .init = setup, .fini = teardown)
{
	struct vsock_packet packet = guest_packet(VIRTIO_VSOCK_OP_RW, LOCAL, PORT);
	struct peer *p = connected();

	add_torn_file();
	packet.len = 8;
	guest_stage(&guest, &packet, "12345678", 8);
	guest.tx.desc[(guest.tx_sent - 1) * 2 + 1].addr = htole64(FILE_AT + 4096);
	guest_ring(&guest, VSOCK_TX);
	check_eq(p->n_got, 0);
	expect_broken(p);
	p = connected();
	driver_ring_desc(&guest.tx, 99, FILE_AT + 4096, GUEST_HEADER, 0, 0);
	driver_ring_offer(&guest.tx, 99);
	guest_ring(&guest, VSOCK_TX);
	expect_broken(p);
}

static void offer_torn(uint16_t i, uint64_t addr)
{
	driver_ring_desc(&guest.rx, i, addr, 64, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&guest.rx, i);
	guest_ring(&guest, VSOCK_RX);
}

/*
 * bad input: Backing file: a receive buffer of the socket device in the memory of a file that was
 * truncated, at its start or behind the header -> DEVICE_NEEDS_RESET, and all connections are
 * closed
 */
Test(vsock, receive_buffer_in_a_truncated_file, .init = setup, .fini = teardown)
{
	add_torn_file();
	restart_without_buffers();
	offer_torn(0, FILE_AT + 4096);
	expect_broken(&peers[0]);
	restart_without_buffers();
	guest_offer(&guest, 0, GUEST_BUFFER);
	offer_torn(1, FILE_AT + 4096 - GUEST_HEADER);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	send_from_peer(&peers[n_peers - 1], "hello", 5);
	expect_broken(&peers[n_peers - 1]);
}

/* One byte is enough. */
Test(vsock, smallest_receive_buffer, .init = setup, .fini = teardown)
{
	restart_without_buffers();
	guest_offer(&guest, 0, GUEST_HEADER + 1);
	guest_offer(&guest, 1, GUEST_HEADER + 1);
	guest_ring(&guest, VSOCK_RX);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	send_from_peer(&peers[0], "ab", 2);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 1);
}

#define EVENTS_AT 0x300000ULL

static struct state_file state;
static struct driver_ring events;

/* Saves the device and loads it into one that is as new, with the same guest. */
static void save_and_load(void)
{
	state_file_save(&state);
	virtio_mmio_save(&guest.driver.mmio, &state.writer);
	vsock_fini(&vsock);
	driver_detach(&guest.driver);
	vsock_init(&vsock, GUEST_CID, &vsock_host, &guest.host.loop, &guest.host.mem, buffers);
	driver_attach(&guest.driver, &guest.host, &vsock.virtio, 0x40000, 16);
	state_file_load(&state);
	virtio_mmio_load(&guest.driver.mmio, &state.reader);
	vsock_loaded(&vsock);
	check_eq(state_file_result(&state), 0, "%s", state.err.text);
	state_file_fini(&state);
	virtio_mmio_restored(&guest.driver.mmio);
	driver_settle(&guest.host);
}

static void setup_events(void)
{
	setup();
	driver_ring_init(&events, guest.host.ram, GUEST_RINGS + 0x6000, 16);
}

static void offer_event(uint16_t i, uint32_t len, uint16_t flags)
{
	memset(guest.host.ram + EVENTS_AT + 16 * i, 0xa5, 16);
	driver_ring_desc(&events, i, EVENTS_AT + 16 * i, len, flags, 0);
	driver_ring_offer(&events, i);
}

static void expect_event(uint16_t i)
{
	static const uint8_t reset[] = { 0, 0, 0, 0, 0xa5 };

	check_eq(le16toh(events.used->idx), 1);
	check_eq(le32toh(events.used->ring[0].id), i);
	check_eq(le32toh(events.used->ring[0].len), 4);
	check_eq(memcmp(guest.host.ram + EVENTS_AT + 16 * i, reset, sizeof(reset)), 0);
}

Test(vsock, restored_driver_is_told_first, .init = setup_events, .fini = teardown)
{
	struct vsock_packet request = guest_packet(VIRTIO_VSOCK_OP_REQUEST, 77, PORT);
	struct peer *old = connected(), *p = new_peer();

	for (uint16_t i = 0; i < 8; i++)
		offer_event(i, 4, VRING_DESC_F_WRITE);
	guest_ring(&guest, VSOCK_EVENT);
	check_eq(le16toh(events.used->idx), 0, "nothing has happened yet");
	guest_stage(&guest, &request, NULL, 0);
	save_and_load();
	cr_assert(old->closed);
	expect_event(0);
	check_eq(driver_interrupts(&guest.driver), 2, "one for what was lost, one for the event");
	/* The driver has not handled it. What comes meanwhile waits. */
	check_eq(vsock_connect(&vsock, &p->stream, 1234), 0);
	guest_ring(&guest, VSOCK_RX);
	guest_ring(&guest, VSOCK_TX);
	guest_expect_none(&guest);
	check_eq(vsock.counters.connections, 0);
	offer_event(0, 4, VRING_DESC_F_WRITE);
	guest_ring(&guest, VSOCK_EVENT);
	check_eq(guest_take(&guest).op, VIRTIO_VSOCK_OP_REQUEST);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, 77);
	check_eq(le16toh(events.used->idx), 1, "it is told once");
	/* The connections from before are not known. */
	guest_send_data(&guest, LOCAL, PORT, "hello", 5);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
}

Test(vsock, event_waits_for_a_buffer, .init = setup_events, .fini = teardown)
{
	save_and_load();
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_expect_none(&guest);
	offer_event(2, 8, VRING_DESC_F_WRITE);
	guest_ring(&guest, VSOCK_EVENT);
	expect_event(2);
	guest_expect_none(&guest);
	guest_ring(&guest, VSOCK_EVENT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
}

Test(vsock, saved_before_the_event_was_taken, .init = setup_events, .fini = teardown)
{
	offer_event(0, 4, VRING_DESC_F_WRITE);
	offer_event(1, 4, VRING_DESC_F_WRITE);
	save_and_load();
	save_and_load();
	check_eq(le16toh(events.used->idx), 2, "told again: something may have happened since");
	guest_ring(&guest, VSOCK_EVENT);
	expect_works();
}

Test(vsock, driver_that_resets_needs_no_event, .init = setup_events, .fini = teardown)
{
	save_and_load();
	driver_reset(&guest.driver);
	guest_start(&guest);
	guest_offer_all(&guest);
	expect_works();
	/* Nor does one that takes away the queue, or never had one. */
	save_and_load();
	driver_write(&guest.driver, VIRTIO_MMIO_QUEUE_SEL, VSOCK_EVENT);
	driver_write(&guest.driver, VIRTIO_MMIO_QUEUE_READY, 0);
	guest_ring(&guest, VSOCK_RX);
	expect_works();
	save_and_load();
	expect_works();
}

static void expect_broken_event(void)
{
	save_and_load();
	cr_assert(guest_broken(&guest));
	check_eq(le16toh(events.used->idx), 0);
	driver_reset(&guest.driver);
	guest_start(&guest);
	guest_offer_all(&guest);
	expect_works();
	driver_ring_init(&events, guest.host.ram, GUEST_RINGS + 0x6000, 16);
}

/*
 * bad input: Socket device: a buffer of the event queue that is too short, not writable, outside of
 * memory, or in a file that was truncated -> DEVICE_NEEDS_RESET
 */
Test(vsock, event_buffers_that_break_rules, .init = setup_events, .fini = teardown)
{
	offer_event(0, 3, VRING_DESC_F_WRITE);
	expect_broken_event();
	driver_ring_offer(&events, 0);
	driver_ring_desc(&events, 0, EVENTS_AT, 4, VRING_DESC_F_NEXT, 1);
	driver_ring_desc(&events, 1, EVENTS_AT + 16, 4, VRING_DESC_F_WRITE, 0);
	expect_broken_event();
	driver_ring_desc(&events, 0, DRIVER_RAM_SIZE, 4, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&events, 0);
	expect_broken_event();
	add_torn_file();
	driver_ring_desc(&events, 0, FILE_AT + 4096, 4, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&events, 0);
	expect_broken_event();
}
