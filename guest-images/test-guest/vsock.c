// SPDX-License-Identifier: Apache-2.0
/*
 * virtio-vsock: a driver with one connection at a time and one packet under way in each direction.
 * Start reading at vsock_connect.
 */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "serial.h"
#include "text.h"
#include "virtio_mmio.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>

enum { RX, TX, EVENT, QUEUES };

#define HOST 2
#define PORT_DEFAULT 52
#define LOCAL 1024
#define QUEUE_SIZE 32
#define BUFFERS 8
#define BUFFER 4096
#define PAYLOAD (BUFFER - sizeof(struct virtio_vsock_hdr))
#define BUF_ALLOC 16384u /* what we say that we keep; an echo that comes is compared at once */
#define BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

static struct virtio_mmio device;
static struct virtqueue queues[QUEUES];
static uint8_t rx_buffers[BUFFERS][BUFFER];
static struct virtio_vsock_hdr tx_header;
static uint64_t cid;

/* The connection. */
static uint32_t local, remote;		 /* ports */
static uint32_t sent, host_alloc, taken; /* taken: the host's fwd_cnt */
static uint32_t received, told;		 /* told: the fwd_cnt that the host knows */
static uint32_t host_shut;		 /* flags of its SHUTDOWN */

/* The packet that was received last, and its payload. */
static struct virtio_vsock_hdr packet;
static const uint8_t *payload;
static int held = -1; /* the buffer that it is in */

static void kick(unsigned queue)
{
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static void offer_buffer(unsigned i)
{
	virtqueue_describe(&queues[RX], (uint16_t)i, (uint64_t)rx_buffers[i], BUFFER,
			   VRING_DESC_F_WRITE, 0);
	virtqueue_offer(&queues[RX], (uint16_t)i);
}

static const char *start(void)
{
	const char *error = virtio_mmio_start(&device, 0, queues, QUEUES, QUEUE_SIZE);

	held = -1;
	for (unsigned i = 0; i < BUFFERS && !error; i++)
		offer_buffer(i);
	cid = virtio_mmio_read(&device, VIRTIO_MMIO_CONFIG);
	kick(RX);
	if (!error && cid != args_number("cid", 3))
		error = fail("the guest's CID is %lu", cid);
	return error;
}

/* Each test begins with the device anew. */
static const char *find(void)
{
	return virtio_mmio_find(VIRTIO_ID_VSOCK, &device) ? start() : "there is no socket device";
}

/* The next entry of @queue's used ring, for which it waits. */
static const char *wait_used(unsigned queue, struct vring_used_elem *ret_elem)
{
	if (virtio_mmio_await(&device, &queues[queue], ret_elem))
		return NULL;
	return queue == RX ? "no packet came" : "no packet was taken";
}

static const char *send(uint16_t op, uint32_t flags, const void *data, uint32_t len)
{
	struct vring_used_elem elem;

	tx_header = (struct virtio_vsock_hdr){
		.src_cid = cid,
		.dst_cid = HOST,
		.src_port = local,
		.dst_port = remote,
		.len = len,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.flags = flags,
		.buf_alloc = BUF_ALLOC,
		.fwd_cnt = received,
	};
	virtqueue_describe(&queues[TX], 0, (uint64_t)&tx_header, sizeof(tx_header),
			   len ? VRING_DESC_F_NEXT : 0, 1);
	virtqueue_describe(&queues[TX], 1, (uint64_t)data, len, 0, 0);
	virtqueue_offer(&queues[TX], 0);
	kick(TX);
	told = received;
	if (op == VIRTIO_VSOCK_OP_RW)
		sent += len;
	return wait_used(TX, &elem);
}

/* Takes the next packet. */
static const char *receive_any(void)
{
	struct vring_used_elem elem;
	const char *error;

	if (held >= 0) {
		offer_buffer((unsigned)held);
		kick(RX);
		held = -1;
	}
	error = wait_used(RX, &elem);
	if (error)
		return error;
	if (elem.id >= BUFFERS || elem.len < sizeof(packet) || elem.len > BUFFER)
		return fail("a packet of %u bytes in buffer %u", elem.len, elem.id);
	held = (int)elem.id;
	memcpy(&packet, rx_buffers[held], sizeof(packet));
	payload = rx_buffers[held] + sizeof(packet);
	if (elem.len != sizeof(packet) + packet.len || packet.src_cid != HOST ||
	    packet.dst_cid != cid || packet.type != VIRTIO_VSOCK_TYPE_STREAM)
		return "a packet that is not for us";
	return NULL;
}

/* Takes the next one of our connection, and what all of them say; others are of an earlier one. */
static const char *receive(void)
{
	const char *error;

	do
		error = receive_any();
	while (!error && (packet.src_port != remote || packet.dst_port != local));
	if (error)
		return error;
	host_alloc = packet.buf_alloc;
	taken = packet.fwd_cnt;
	if (packet.op == VIRTIO_VSOCK_OP_SHUTDOWN)
		host_shut = packet.flags;
	if (packet.op == VIRTIO_VSOCK_OP_RW)
		received += packet.len;
	return received - told > BUF_ALLOC ? "more came than there was credit for" : NULL;
}

/* The same where it has to be @op, but for updates of credit. */
static const char *receive_op(uint16_t op)
{
	const char *error;

	do
		error = receive();
	while (!error && packet.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE && op != packet.op);
	if (!error && packet.op != op)
		error = fail("operation %u came instead of %u", packet.op, op);
	return error;
}

static uint32_t credit(void)
{
	return host_alloc - (sent - taken);
}

static const char *open(void)
{
	const char *error;

	local++;
	remote = (uint32_t)args_number("port", PORT_DEFAULT);
	sent = received = told = host_shut = 0;
	error = send(VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	return error ? error : receive_op(VIRTIO_VSOCK_OP_RESPONSE);
}

static const char *find_and_open(void)
{
	const char *error = find();

	if (!local)
		local = LOCAL;
	return error ? error : open();
}

/* The clean end, from our side. */
static const char *close(void)
{
	const char *error = send(VIRTIO_VSOCK_OP_SHUTDOWN, BOTH, NULL, 0);

	while (!error) {
		error = receive();
		if (!error && packet.op == VIRTIO_VSOCK_OP_RST)
			return NULL;
	}
	return error;
}

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i + i / 256 * 3);
}

/* Sends the next piece of the pattern, up to @end, as far as there is credit. */
static const char *send_piece(uint32_t end)
{
	static uint8_t data[PAYLOAD];
	uint32_t len = end - sent < PAYLOAD ? end - sent : PAYLOAD;

	if (len > credit())
		len = credit();
	for (uint32_t i = 0; i < len; i++)
		data[i] = pattern(sent + i);
	return len ? send(VIRTIO_VSOCK_OP_RW, 0, data, len) : NULL;
}

/* What has just come is the pattern's next part. */
static const char *compare(void)
{
	uint32_t first = received - packet.len;

	for (uint32_t i = 0; i < packet.len; i++)
		if (payload[i] != pattern(first + i))
			return fail("byte %u came back as 0x%x", first + i, payload[i]);
	return NULL;
}

/* Everything that there is credit for, then what comes back, until all has come back. */
static const char *echo_all(uint32_t bytes)
{
	const char *error = NULL;

	while (!error && received < bytes) {
		if (sent < bytes && credit()) {
			error = send_piece(bytes);
			continue;
		}
		error = receive();
		if (!error && packet.op == VIRTIO_VSOCK_OP_RW)
			error = compare();
		else if (!error && packet.op != VIRTIO_VSOCK_OP_CREDIT_UPDATE &&
			 packet.op != VIRTIO_VSOCK_OP_CREDIT_REQUEST)
			error = fail("operation %u came amid the echo", packet.op);
		/* What was compared is taken: the host may go on. */
		if (!error && (received % (BUF_ALLOC / 2) < packet.len ||
			       packet.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST))
			error = send(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
	}
	return error;
}

/* Connects to port=, where an echo server listens, and half-closes. */
static const char *vsock_connect(void)
{
	uint32_t bytes = (uint32_t)args_number("bytes", 200000);
	const char *error = find_and_open();

	if (!error)
		error = echo_all(bytes);
	if (!error)
		error = send(VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	/* The host hears that, and answers how much there was, before it closes. */
	if (!error)
		error = receive_op(VIRTIO_VSOCK_OP_RW);
	if (!error && text_number((const char *)payload) != bytes)
		error = fail("the host counted %lu bytes", text_number((const char *)payload));
	while (!error && host_shut != BOTH)
		error = receive_op(VIRTIO_VSOCK_OP_SHUTDOWN);
	return error ? error : close();
}

/* Waits for a connection to port=, and is the echo server. */
static const char *vsock_serve(void)
{
	const char *error = find();

	sent = received = told = host_shut = 0;
	print("test-guest: vsock serves\n");
	if (!error)
		error = receive_any();
	if (!error && (packet.op != VIRTIO_VSOCK_OP_REQUEST ||
		       packet.dst_port != args_number("port", PORT_DEFAULT)))
		return fail("operation %u for port %u", packet.op, packet.dst_port);
	local = packet.dst_port;
	remote = packet.src_port;
	if (!error)
		error = send(VIRTIO_VSOCK_OP_RESPONSE, 0, NULL, 0);
	while (!error && !(host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		error = receive();
		if (!error && packet.op == VIRTIO_VSOCK_OP_RW)
			error = send(VIRTIO_VSOCK_OP_RW, 0, payload, packet.len);
		else if (!error && packet.op == VIRTIO_VSOCK_OP_RST)
			error = "the connection was reset";
	}
	/* The other direction is still open. */
	if (!error)
		error = send(VIRTIO_VSOCK_OP_RW, 0, "bye", 3);
	return error ? error : close();
}

/* Nobody listens at port=. */
static const char *vsock_refused(void)
{
	const char *error = find();

	local++;
	remote = (uint32_t)args_number("port", PORT_DEFAULT);
	if (!error)
		error = send(VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	return error ? error : receive_op(VIRTIO_VSOCK_OP_RST);
}

/* The host at port= does not read until all credit is used up. */
static const char *vsock_credit(void)
{
	uint32_t more;
	const char *error = find_and_open();

	/* Its socket fills up too, so that there is an update or another before the end. */
	while (!error) {
		while (!error && credit())
			error = send_piece(UINT32_MAX);
		more = taken;
		if (!error)
			error = send(VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, NULL, 0);
		if (!error)
			error = receive();
		if (!error && packet.op != VIRTIO_VSOCK_OP_CREDIT_UPDATE)
			error = fail("operation %u instead of an update", packet.op);
		if (!error && taken == more)
			break;
	}
	if (error)
		return error;
	print("test-guest: vsock used up its credit at %u bytes\n", sent);
	while (!error && taken != sent) {
		error = receive_op(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		if (!error && sent - taken < host_alloc / 2)
			break;
	}
	/* There is credit again, and all arrives. */
	if (!error)
		error = send_piece(sent + 1000);
	return error ? error : close();
}

/* Sends more than there is credit for. */
static const char *vsock_overrun(void)
{
	const char *error = find_and_open();

	/* Whatever the host says of credit. */
	for (unsigned i = 0; !error && i < 1000 && packet.op != VIRTIO_VSOCK_OP_RST; i++) {
		error = send(VIRTIO_VSOCK_OP_RW, 0, rx_buffers, sizeof(rx_buffers));
		if (!error && virtqueue_waiting(&queues[RX]))
			error = receive();
	}
	if (!error && packet.op != VIRTIO_VSOCK_OP_RST)
		error = "it was never reset";
	if (!error)
		error = open();
	return error ? error : close();
}

/* The host at port= sends a few words and dies. */
static const char *vsock_peer_death(void)
{
	const char *error = find_and_open();

	if (!error)
		error = receive_op(VIRTIO_VSOCK_OP_RW);
	if (!error && (packet.len != 10 || memcmp(payload, "last words", 10) != 0))
		error = "the last words did not come";
	while (!error && host_shut != BOTH)
		error = receive_op(VIRTIO_VSOCK_OP_SHUTDOWN);
	if (!error)
		error = send(VIRTIO_VSOCK_OP_RST, 0, NULL, 0);
	return error;
}

/* Sends a few words to port= and leaves at once. */
static const char *vsock_last_words(void)
{
	const char *error = find_and_open();

	return error ? error : send(VIRTIO_VSOCK_OP_RW, 0, "last words", 10);
}

/* Resets the device with a connection to port= open; the next one works. */
static const char *vsock_reset(void)
{
	const char *error = find_and_open();

	if (!error)
		error = start();
	if (!error)
		error = open();
	return error ? error : close();
}

/* A packet that is shorter than its header breaks the device, until it is reset. */
static const char *vsock_short_packet(void)
{
	const char *error = find_and_open();
	uint32_t seen = device.config_interrupts;

	if (error)
		return error;
	virtqueue_describe(&queues[TX], 0, (uint64_t)&tx_header, sizeof(tx_header) - 1, 0, 0);
	virtqueue_offer(&queues[TX], 0);
	kick(TX);
	if (!interrupts_wait(&device.config_interrupts, seen))
		return "no configuration interrupt";
	if (!(virtio_mmio_read(&device, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET))
		return "the device does not ask for a reset";
	error = start();
	if (!error)
		error = open();
	return error ? error : close();
}

/*
 * Waits with a connection open until the transport is reset, as it is when the VM has been
 * restored. All connections are gone then, the CID may be another, and new ones work.
 */
static const char *vsock_transport(void)
{
	static struct virtio_vsock_event event;
	const char *error = find_and_open();
	struct vring_used_elem elem;

	if (error)
		return error;
	event.id = UINT32_MAX;
	virtqueue_describe(&queues[EVENT], 0, (uint64_t)&event, sizeof(event), VRING_DESC_F_WRITE,
			   0);
	virtqueue_offer(&queues[EVENT], 0);
	kick(EVENT);
	print("test-guest: vsock waits\n");
	error = wait_used(EVENT, &elem);
	if (error)
		return "the transport was not reset";
	if (elem.len != sizeof(event) || event.id != VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)
		return fail("event %u of %u bytes", event.id, elem.len);
	cid = virtio_mmio_read(&device, VIRTIO_MMIO_CONFIG);
	/* Its buffer, given back, says that we have let go of the old connections. */
	virtqueue_offer(&queues[EVENT], 0);
	kick(EVENT);
	error = open();
	if (!error)
		error = echo_all((uint32_t)args_number("bytes", 20000));
	return error ? error : close();
}

const struct check vsock_checks[] = {
	{ "vsock-connect", .once = vsock_connect },
	{ "vsock-serve", .once = vsock_serve },
	{ "vsock-refused", .once = vsock_refused },
	{ "vsock-credit", .once = vsock_credit },
	{ "vsock-overrun", .once = vsock_overrun },
	{ "vsock-peer-death", .once = vsock_peer_death },
	{ "vsock-last-words", .once = vsock_last_words },
	{ "vsock-reset", .once = vsock_reset },
	{ "vsock-short-packet", .once = vsock_short_packet },
	{ "vsock-transport", .once = vsock_transport },
	{ 0 },
};
