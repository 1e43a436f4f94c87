/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream between a port of the guest's and a port of the host's (VIRTIO 1.3 section 5.10.6.5):
 * its state, the credit of both sides, and what the guest has sent and the host has not taken yet.
 * It knows nothing of queues: it is given packets, and asked for the next one. Start reading at
 * vsock_connection_take and vsock_connection_next.
 */
#pragma once

#include "devices/virtio/vsock_packet.h"
#include "vmm/base/ring.h"

#include <stdbool.h>
#include <stdint.h>

/* What the guest may send before the host takes some of it: buf_alloc. A power of two. */
#define VSOCK_BUFFER (64u << 10)

struct vsock_connection;
struct vsock_stream;

/* What happens at the host's end. HANGUP comes unasked, if at all: the peer is gone, and what it
 * sent can still be read. */
enum { VSOCK_READABLE = 1, VSOCK_WRITABLE = 2, VSOCK_HANGUP = 4 };

/* The host's end of a connection. Nothing here waits, or calls the device back. */
struct vsock_stream_ops {
	/* The guest has accepted what this end asked for, which has @port as its own. */
	void (*accepted)(struct vsock_stream *stream, uint32_t port);
	/*
	 * Take or give up to @len bytes. How many; -EAGAIN: none at the moment. A read of 0 is the
	 * end of what the peer sends; another -errno: the peer is gone.
	 */
	int (*read)(struct vsock_stream *stream, void *buf, uint32_t len);
	int (*write)(struct vsock_stream *stream, const void *buf, uint32_t len);
	/* Has the device told, once, of VSOCK_READABLE or VSOCK_WRITABLE. */
	void (*await)(struct vsock_stream *stream, unsigned event);
	/* The guest takes or sends no more: VIRTIO_VSOCK_SHUTDOWN_RCV or _SEND. */
	void (*shutdown)(struct vsock_stream *stream, unsigned flag);
	/* The device forgets it, and wants to hear nothing more. */
	void (*close)(struct vsock_stream *stream);
};

struct vsock_stream {
	const struct vsock_stream_ops *ops;
	struct vsock_connection *connection; /* the device's; NULL once it is closed */
};

enum vsock_state {
	VSOCK_FREE,
	VSOCK_ASKING,	 /* the host has asked, the guest has not answered */
	VSOCK_OPEN,	 /* both ways, but for what was shut down */
	VSOCK_RESETTING, /* over; the guest is still to be told */
	VSOCK_DRAINING,	 /* over for the guest; the host has not taken all of it yet */
};

struct vsock_connection {
	enum vsock_state state;
	uint32_t guest_port, host_port;
	struct vsock_stream *stream; /* borrowed; NULL: the host's end is gone */
	unsigned pending;	     /* packets to send: bits 1 << VIRTIO_VSOCK_OP_* */
	/* What each side does no more, VIRTIO_VSOCK_SHUTDOWN_*, and what of it was passed on. */
	unsigned guest_shut, guest_shut_passed;
	unsigned host_shut, host_shut_passed;
	/* From the guest, in bytes; what the host took or dropped is fwd_cnt. */
	struct ring received;  /* in @buffer */
	uint32_t sent_fwd_cnt; /* the fwd_cnt that the guest knows */
	/* To the guest; these counters wrap, too. */
	uint32_t sent;
	uint32_t guest_buf_alloc, guest_fwd_cnt;
	bool readable;	   /* the host's end may have something */
	bool credit_asked; /* since there was some last */
	uint8_t *buffer;   /* borrowed: VSOCK_BUFFER bytes */
};

/*
 * Begins in a free @connection, which keeps its buffer: asked for by the guest with @request, or by
 * the host (@request is NULL). @stream is its from now on.
 */
void vsock_connection_begin(struct vsock_connection *connection, uint32_t guest_port,
			    uint32_t host_port, struct vsock_stream *stream,
			    const struct vsock_packet *request);

/*
 * Takes a packet of the guest's for this connection. @payload: its p->len bytes if it is
 * VIRTIO_VSOCK_OP_RW and they are not more than VSOCK_BUFFER. What breaks a rule ends the
 * connection.
 */
void vsock_connection_take(struct vsock_connection *connection, const struct vsock_packet *p,
			   const void *payload);

/* Takes note of what happened at the host's end: VSOCK_READABLE, VSOCK_WRITABLE, VSOCK_HANGUP. */
void vsock_connection_event(struct vsock_connection *connection, unsigned event);

/* Whether there is probably a packet for the guest. */
bool vsock_connection_wants(const struct vsock_connection *connection);

/*
 * Makes the next packet for the guest, with at most @room (not 0) bytes of payload: true, and
 * *@ret_packet is complete but for its CIDs, its payload in @payload. False: there is none after
 * all, and vsock_connection_wants says so too from now on.
 */
bool vsock_connection_next(struct vsock_connection *connection, void *payload, uint32_t room,
			   struct vsock_packet *ret_packet);

/* Over at once, by a rule that was broken; the guest is still to be told. */
void vsock_connection_reset(struct vsock_connection *connection);

/* Over because the guest says so, or has reset the device; takes a free one. */
void vsock_connection_abandon(struct vsock_connection *connection);
