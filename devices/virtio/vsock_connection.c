// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/devices/virtio/test_vsock.c.
/* A connection of the socket device. From the guest: vsock_connection_take; to it:
 * vsock_connection_next; what follows from either: settle. */
#include "devices/virtio/vsock_connection.h"

#include <errno.h>
#include <stddef.h>

#define BIT(op) (1u << (op))

static bool is_guest_done(const struct vsock_connection *c, unsigned flags)
{
	return (c->guest_shut & flags) == flags;
}

static bool is_host_done(const struct vsock_connection *c, unsigned flags)
{
	return (c->host_shut & flags) == flags;
}

static uint32_t buffered(const struct vsock_connection *c)
{
	return ring_count(&c->received);
}

/* How much the guest takes (5.10.6.3). It may have taken back what it once offered. */
static uint32_t credit(const struct vsock_connection *c)
{
	uint32_t in_flight = c->sent - c->guest_fwd_cnt;

	return in_flight < c->guest_buf_alloc ? c->guest_buf_alloc - in_flight : 0;
}

static void close_stream(struct vsock_connection *c)
{
	struct vsock_stream *stream = c->stream;

	if (!stream)
		return;
	c->stream = NULL;
	c->readable = false;
	stream->connection = NULL;
	stream->ops->close(stream);
}

static void release(struct vsock_connection *c)
{
	close_stream(c);
	*c = (struct vsock_connection){ .buffer = c->buffer };
}

void vsock_connection_reset(struct vsock_connection *c)
{
	close_stream(c);
	c->state = VSOCK_RESETTING;
	c->pending = BIT(VIRTIO_VSOCK_OP_RST);
}

/* Nobody at the host's end takes anything any more. */
static void drop_output(struct vsock_connection *c)
{
	c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	ring_drop(&c->received, buffered(c));
}

/* Returns how many bytes the host took. */
static uint32_t write_some(struct vsock_connection *c, const void *bytes, uint32_t len)
{
	int n = c->stream->ops->write(c->stream, bytes, len);

	if (n >= 0) {
		ring_drop(&c->received, (uint32_t)n);
		return (uint32_t)n;
	}
	if (n != -EAGAIN)
		drop_output(c);
	return 0;
}

static void flush(struct vsock_connection *c)
{
	const uint8_t *bytes;
	uint32_t len;

	do
		bytes = ring_next(&c->received, c->buffer, VSOCK_BUFFER, &len);
	while (len && write_some(c, bytes, len));
}

/* Passes on what the guest does no more: that it sends nothing, behind what it has sent. */
static void pass_shutdown(struct vsock_connection *c)
{
	unsigned flags = c->guest_shut & ~c->guest_shut_passed;

	if (buffered(c))
		flags &= ~(unsigned)VIRTIO_VSOCK_SHUTDOWN_SEND;
	for (unsigned flag = 1; flag <= flags; flag <<= 1)
		if (c->stream && flags & flag)
			c->stream->ops->shutdown(c->stream, flag);
	c->guest_shut_passed |= flags;
}

/* What follows once something has moved or ended. */
static void settle(struct vsock_connection *c)
{
	if (c->stream && buffered(c))
		c->stream->ops->await(c->stream, VSOCK_WRITABLE);
	if (c->state == VSOCK_DRAINING && !buffered(c))
		release(c);
	if (c->state != VSOCK_OPEN)
		return;
	/* A peer that is gone has sent its last where the guest takes no more. */
	if (is_guest_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV) &&
	    is_host_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV))
		c->host_shut = VSOCK_SHUTDOWN_BOTH;
	if (is_host_done(c, VSOCK_SHUTDOWN_BOTH))
		close_stream(c);
	/* The clean end: the guest does no more, and is told when all of it is done (5.10.6.5). */
	if (is_guest_done(c, VSOCK_SHUTDOWN_BOTH) && !buffered(c)) {
		vsock_connection_reset(c);
		return;
	}
	pass_shutdown(c);
	/* Seldom enough to cost little, in time for a guest that has none left. */
	if (c->received.taken - c->sent_fwd_cnt >= VSOCK_BUFFER / 2)
		c->pending |= BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

void vsock_connection_begin(struct vsock_connection *c, uint32_t guest_port, uint32_t host_port,
			    struct vsock_stream *stream, const struct vsock_packet *request)
{
	*c = (struct vsock_connection){
		.state = request ? VSOCK_OPEN : VSOCK_ASKING,
		.guest_port = guest_port,
		.host_port = host_port,
		.stream = stream,
		.pending = BIT(request ? VIRTIO_VSOCK_OP_RESPONSE : VIRTIO_VSOCK_OP_REQUEST),
		.guest_buf_alloc = request ? request->buf_alloc : 0,
		.guest_fwd_cnt = request ? request->fwd_cnt : 0,
		.buffer = c->buffer,
	};
	stream->connection = c;
	if (request)
		stream->ops->await(stream, VSOCK_READABLE);
}

static void take_data(struct vsock_connection *c, const struct vsock_packet *p, const void *payload)
{
	uint32_t done = 0;

	/* What the guest has not been told of is no credit of its. */
	if (p->len > VSOCK_BUFFER - (c->received.put - c->sent_fwd_cnt) ||
	    is_guest_done(c, VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		vsock_connection_reset(c);
		return;
	}
	if (is_host_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV)) {
		c->received.put += p->len;
		drop_output(c);
	} else {
		/* Most of the time the host takes all at once. */
		if (!buffered(c) && p->len) {
			done = write_some(c, payload, p->len);
			c->received.put += done;
		}
		ring_put(&c->received, c->buffer, VSOCK_BUFFER, (const uint8_t *)payload + done,
			 p->len - done);
		if (is_host_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV))
			drop_output(c);
	}
	settle(c);
}

static void take_open(struct vsock_connection *c, const struct vsock_packet *p, const void *payload)
{
	switch (p->op) {
	case VIRTIO_VSOCK_OP_RW:
		take_data(c, p, payload);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		c->guest_shut |= p->flags & VSOCK_SHUTDOWN_BOTH;
		settle(c);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		c->pending |= BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_RST:
		vsock_connection_abandon(c);
		break;
	default:
		vsock_connection_reset(c);
	}
}

static void take_answer(struct vsock_connection *c, const struct vsock_packet *p)
{
	/* Before it was asked it cannot have an answer. */
	if (p->op == VIRTIO_VSOCK_OP_RST) {
		release(c);
	} else if (p->op != VIRTIO_VSOCK_OP_RESPONSE || c->pending) {
		vsock_connection_reset(c);
	} else {
		c->state = VSOCK_OPEN;
		c->stream->ops->accepted(c->stream, c->host_port);
		c->stream->ops->await(c->stream, VSOCK_READABLE);
	}
}

void vsock_connection_take(struct vsock_connection *c, const struct vsock_packet *p,
			   const void *payload)
{
	c->guest_buf_alloc = p->buf_alloc;
	c->guest_fwd_cnt = p->fwd_cnt;
	if (credit(c))
		c->credit_asked = false;
	if (c->state == VSOCK_OPEN)
		take_open(c, p, payload);
	else if (c->state == VSOCK_ASKING)
		take_answer(c, p);
	else if (p->op == VIRTIO_VSOCK_OP_RST)
		release(c);
}

void vsock_connection_event(struct vsock_connection *c, unsigned event)
{
	if (event & VSOCK_HANGUP && c->state == VSOCK_ASKING) {
		/* Of what was never asked the guest need not be told. */
		if (c->pending)
			release(c);
		else
			vsock_connection_reset(c);
		return;
	}
	if (event & VSOCK_READABLE)
		c->readable = true;
	if (event & VSOCK_WRITABLE && c->stream)
		flush(c);
	if (event & VSOCK_HANGUP)
		drop_output(c);
	settle(c);
}

bool vsock_connection_wants(const struct vsock_connection *c)
{
	if (c->pending)
		return true;
	if (c->state != VSOCK_OPEN)
		return false;
	if (c->host_shut & ~c->host_shut_passed)
		return true;
	return c->readable && !is_guest_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV) &&
	       (credit(c) || !c->credit_asked);
}

/* Returns the bytes of a packet of data, or 0: there is none to send. */
static uint32_t read_some(struct vsock_connection *c, void *payload, uint32_t room)
{
	uint32_t len = room < credit(c) ? room : credit(c);
	int n;

	if (!c->readable || is_guest_done(c, VIRTIO_VSOCK_SHUTDOWN_RCV))
		return 0;
	if (!len) {
		/* Guests send updates by themselves; this is for those that forget one. */
		if (!c->credit_asked)
			c->pending |= BIT(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
		c->credit_asked = true;
		return 0;
	}
	n = c->stream->ops->read(c->stream, payload, len);
	if (n > 0) {
		c->sent += (uint32_t)n;
		return (uint32_t)n;
	}
	c->readable = false;
	if (n == -EAGAIN) {
		c->stream->ops->await(c->stream, VSOCK_READABLE);
	} else {
		c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
		if (n < 0)
			drop_output(c);
		settle(c);
	}
	return 0;
}

/* Takes the first operation of @ops off the pending ones; 0 if none of them is. */
static uint16_t take_pending(struct vsock_connection *c, unsigned ops)
{
	uint16_t op;

	if (!(c->pending & ops))
		return 0;
	op = (uint16_t)__builtin_ctz(c->pending & ops);
	c->pending &= ~BIT(op);
	return op;
}

#define FIRST_OPS                                                                                  \
	(BIT(VIRTIO_VSOCK_OP_RST) | BIT(VIRTIO_VSOCK_OP_REQUEST) | BIT(VIRTIO_VSOCK_OP_RESPONSE))

/* The order: how it began or ended, data, that there is no more of it, credit. */
static uint16_t next_op(struct vsock_connection *c, void *payload, uint32_t room,
			struct vsock_packet *p)
{
	uint16_t op = take_pending(c, FIRST_OPS);

	if (op || c->state != VSOCK_OPEN)
		return op;
	p->len = read_some(c, payload, room);
	if (p->len)
		return VIRTIO_VSOCK_OP_RW;
	if (c->state == VSOCK_OPEN && c->host_shut & ~c->host_shut_passed) {
		p->flags = c->host_shut_passed = c->host_shut;
		return VIRTIO_VSOCK_OP_SHUTDOWN;
	}
	return take_pending(c, ~0u);
}

bool vsock_connection_next(struct vsock_connection *c, void *payload, uint32_t room,
			   struct vsock_packet *ret_packet)
{
	struct vsock_packet p = {
		.src_port = c->host_port,
		.dst_port = c->guest_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.buf_alloc = VSOCK_BUFFER,
		.fwd_cnt = c->received.taken,
	};

	p.op = next_op(c, payload, room, &p);
	if (!p.op)
		return false;
	if (p.op == VIRTIO_VSOCK_OP_RST) {
		release(c);
	} else {
		c->sent_fwd_cnt = p.fwd_cnt = c->received.taken;
		c->pending &= ~BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	}
	*ret_packet = p;
	return true;
}

void vsock_connection_abandon(struct vsock_connection *c)
{
	if (!c->stream || !buffered(c)) {
		release(c);
		return;
	}
	/* What the guest sent before was accepted, and still goes where it was sent to. */
	c->state = VSOCK_DRAINING;
	c->pending = 0;
	c->guest_shut = VSOCK_SHUTDOWN_BOTH;
	pass_shutdown(c);
}
