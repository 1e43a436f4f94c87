// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/vsock.c devices/virtio/vsock_connection.c devices/virtio/virtqueue.c
/*
 * The socket device between a guest and hosts that do what they like: no stream is used once it is
 * closed, or left open when its connection is gone; the host is given no more than the guest sent,
 * and the guest no more than it has credit for; what waits is bounded.
 */
#include "devices/virtio/vsock.h"

#include "tests/fuzz/device.h"
#include "tests/fuzz/vsock_request.h"
#include "vmm/base/container_of.h"

#include <errno.h>

#define PEERS 160 /* more than there can be connections */

/* The host's end of a connection. */
struct peer {
	struct vsock_stream stream;
	bool used, closed;
	unsigned await, shut;
	uint32_t room, n_give; /* bytes that it takes and has */
	bool end, gone;
	uint32_t got, given;
};

static struct vsock vsock;
static uint8_t buffers[VSOCK_BUFFERS];
static struct peer peers[PEERS];
static unsigned n_peers; /* so far; none is used twice */
static bool listening;

static struct peer *peer_of(struct vsock_stream *stream)
{
	struct peer *p = container_of(stream, struct peer, stream);

	fuzz_check(p->used && !p->closed, "peer %zu is closed", (size_t)(p - peers));
	return p;
}

static void peer_accepted(struct vsock_stream *stream, uint32_t port)
{
	peer_of(stream);
	fuzz_check(port == stream->connection->host_port);
}

static int peer_read(struct vsock_stream *stream, void *buf, uint32_t len)
{
	const struct vsock_connection *c = stream->connection;
	struct peer *p = peer_of(stream);
	uint32_t n = p->n_give < len ? p->n_give : len;

	/* Section 5.10.6.3. */
	fuzz_check(len && (uint64_t)(uint32_t)(c->sent - c->guest_fwd_cnt) + len <=
				   c->guest_buf_alloc,
		   "%u bytes without credit", len);
	fuzz_check(!(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV));
	if (p->gone)
		return -ECONNRESET;
	if (!n)
		return p->end ? 0 : -EAGAIN;
	memset(buf, 0xa5, n);
	p->n_give -= n;
	p->given += n;
	return (int)n;
}

static int peer_write(struct vsock_stream *stream, const void *buf, uint32_t len)
{
	struct peer *p = peer_of(stream);
	uint32_t n = len < p->room ? len : p->room;
	uint8_t sum = 0;

	fuzz_check(len && len <= VSOCK_BUFFER, "%u", len);
	fuzz_check(!(p->shut & VIRTIO_VSOCK_SHUTDOWN_SEND), "written to behind the end");
	/* All of it can be read. */
	for (uint32_t i = 0; i < len; i++)
		sum ^= ((const volatile uint8_t *)buf)[i];
	if (p->gone)
		return -EPIPE;
	p->room -= n;
	p->got += n;
	return n ? (int)n : -EAGAIN;
}

static void peer_await(struct vsock_stream *stream, unsigned event)
{
	peer_of(stream)->await |= event;
}

static void peer_shutdown(struct vsock_stream *stream, unsigned flag)
{
	struct peer *p = peer_of(stream);

	fuzz_check((flag == VIRTIO_VSOCK_SHUTDOWN_RCV || flag == VIRTIO_VSOCK_SHUTDOWN_SEND) &&
			   !(p->shut & flag),
		   "%u", flag);
	p->shut |= flag;
}

static void peer_close(struct vsock_stream *stream)
{
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

static struct peer *new_peer(uint32_t room)
{
	struct peer *p = &peers[n_peers];

	if (n_peers == PEERS)
		return NULL;
	n_peers++;
	*p = (struct peer){ .stream.ops = &peer_ops, .used = true, .room = room };
	return p;
}

static struct vsock_stream *host_connect(struct vsock_host *host, uint32_t port)
{
	struct peer *p = listening ? new_peer(port == 53 ? 10 : 1 << 20) : NULL;

	return p ? &p->stream : NULL;
}

static const struct vsock_host_ops host_ops = { .connect = host_connect };
static struct vsock_host host = { &host_ops };

static struct virtio_device *start(struct fuzz_input *in, struct event_loop *loop,
				   const struct guest_memory *mem)
{
	n_peers = 0;
	listening = true;
	vsock_init(&vsock, VSOCK_REQUEST_CID, &host, loop, mem, buffers);
	/* The first one ends soon, so that there are some. */
	vsock.turn_left = 1000;
	return &vsock.virtio;
}

static void stop(void)
{
	vsock_fini(&vsock);
	for (unsigned i = 0; i < n_peers; i++)
		fuzz_check(peers[i].closed, "peer %u is left open", i);
}

static void connect_from_host(uint32_t port)
{
	struct peer *p = new_peer(1 << 20);

	if (p && vsock_connect(&vsock, &p->stream, port) < 0)
		n_peers--;
}

static void event(struct fuzz_input *in)
{
	uint8_t what = fuzz_input_u8(in);
	struct peer *p = n_peers ? &peers[fuzz_input_u8(in) % n_peers] : NULL;
	unsigned events = 0;

	switch (what & 7) {
	case 0:
	case 1:
		connect_from_host(1 + (what >> 3 & 3));
		return;
	case 2:
		listening = what & 8;
		return;
	case 7:
		if (loop_find(LOOP_CALL))
			loop_finish(LOOP_CALL, 0);
		return;
	}
	if (!p || p->closed)
		return;
	if (what & 8)
		p->n_give += 1u << (what >> 4);
	if (what & 16)
		p->room += 1u << (what >> 4);
	if ((what & 7) == 3)
		p->end = true;
	if ((what & 7) == 4)
		p->gone = true;
	/* The event loop tells of what was asked for, and of a hang-up unasked. */
	if (p->n_give || p->end || p->gone)
		events |= p->await & VSOCK_READABLE;
	if (p->room || p->gone)
		events |= p->await & VSOCK_WRITABLE;
	for (unsigned e = VSOCK_READABLE; e <= VSOCK_WRITABLE; e <<= 1) {
		if (!(events & e) || p->closed)
			continue;
		p->await &= ~e;
		vsock_event(&vsock, &p->stream, e);
	}
	if (p->gone && what & 32 && !p->closed)
		vsock_event(&vsock, &p->stream, VSOCK_HANGUP);
}

static void check_connection(const struct vsock_connection *c)
{
	const struct peer *p;

	fuzz_check(c->received.put - c->received.taken <= VSOCK_BUFFER, "%u",
		   c->received.put - c->received.taken);
	fuzz_check(c->received.put - c->sent_fwd_cnt <= VSOCK_BUFFER || c->state == VSOCK_DRAINING);
	if (c->state == VSOCK_FREE || c->state == VSOCK_RESETTING)
		fuzz_check(!c->stream);
	if (c->state == VSOCK_DRAINING)
		fuzz_check(c->stream && c->received.put != c->received.taken);
	if (!c->stream)
		return;
	p = container_of(c->stream, struct peer, stream);
	fuzz_check(p->stream.connection == c && p->used && !p->closed);
	fuzz_check(p->given == c->sent, "%u of %u", c->sent, p->given);
	fuzz_check(p->got == c->received.taken || c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV,
		   "%u of %u", p->got, c->received.taken);
	/* It will be told when it can go on. */
	if (c->received.put != c->received.taken)
		fuzz_check(p->await & VSOCK_WRITABLE);
	if (c->state == VSOCK_OPEN && !(c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		fuzz_check(c->readable || p->await & VSOCK_READABLE);
}

static void check(void)
{
	unsigned open = 0, streams = 0;

	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		check_connection(&vsock.connections[i]);
		streams += vsock.connections[i].stream != NULL;
	}
	for (unsigned i = 0; i < n_peers; i++)
		open += !peers[i].closed;
	fuzz_check(open == streams, "%u streams for %u peers", streams, open);
	fuzz_check(vsock.n_resets <= VSOCK_MAX_RESETS);
	fuzz_check(loop_count(LOOP_CALL) == !vsock.turn_left, "nobody begins the next turn");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_target target = {
		.start = start,
		.stop = stop,
		.request = vsock_request,
		.event = event,
		.answered = vsock_request_answered,
		.check = check,
	};

	return device_run(&target, data, size);
}
