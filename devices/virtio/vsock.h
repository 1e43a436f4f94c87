/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock, the socket device (VIRTIO 1.3 section 5.10): packets between ports of the guest's
 * and streams of the host's. Streams only. A vsock_host connects them to programs of the host.
 *
 * A guest that breaks the rules of a ring breaks the device, as with others; a packet that makes no
 * sense is answered with VIRTIO_VSOCK_OP_RST and ends at most its own connection.
 *
 * The event queue has one event: after a restore, the driver is told that its connections are gone
 * (VIRTIO_VSOCK_EVENT_TRANSPORT_RESET). A driver that resets the device knows that by itself.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "devices/virtio/vsock_connection.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"

#include <stddef.h>

#define VSOCK_MAX_CONNECTIONS 128
#define VSOCK_BUFFERS ((size_t)VSOCK_MAX_CONNECTIONS * VSOCK_BUFFER)
/* Resets for packets of no connection, which wait for a buffer of the guest (5.10.6.1). */
#define VSOCK_MAX_RESETS 64
/* Bytes of all connections, both ways, that one turn moves before other devices get theirs. */
#define VSOCK_TURN (256u << 10)

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES };

/* The event that tells of a restore. Until the driver has taken it, no packet goes either way. */
enum vsock_event_state {
	VSOCK_EVENT_NONE,
	VSOCK_EVENT_OWED, /* the driver has given no buffer for it yet */
	VSOCK_EVENT_SENT, /* taken when the driver notifies the event queue again */
};

struct vsock_host;

struct vsock_host_ops {
	/* The guest connects to the host's @port: a stream for it, or NULL if nobody listens. */
	struct vsock_stream *(*connect)(struct vsock_host *host, uint32_t port);
};

struct vsock_host {
	const struct vsock_host_ops *ops;
};

/* Bytes as the guest received and sent them; a connection is counted once it is there. */
struct vsock_counters {
	uint64_t connections, refused, received_bytes, sent_bytes;
};

struct vsock {
	struct virtio_device virtio;
	struct virtqueue queues[VSOCK_QUEUES];
	struct virtio_vsock_config config;
	uint64_t guest_cid;
	struct vsock_host *host; /* borrowed */
	struct event_loop *loop; /* borrowed */
	uint32_t turn_left;	 /* bytes; once it is 0, */
	struct event_call more;	 /* this one begins the next turn, */
	bool more_posted;	 /* and is on its way */
	bool running;		 /* the driver is ready, and has its queues */
	enum vsock_event_state event;
	bool used[VSOCK_QUEUES]; /* whether the driver is to be notified */
	unsigned rx_left;	 /* packets that may be given in this turn */
	bool rx_held;		 /* a buffer was taken and is not used yet: */
	struct virtqueue_chain rx_chain;
	uint32_t next_port; /* of the host, for connections that it asks for */
	unsigned next;	    /* whose packet is to be given */
	struct vsock_connection connections[VSOCK_MAX_CONNECTIONS];
	struct vsock_packet resets[VSOCK_MAX_RESETS];
	unsigned n_resets;
	struct vsock_counters counters;
	struct log_limit limit;
	uint8_t payload[VSOCK_BUFFER]; /* last: vsock_init leaves it alone */
};

/*
 * A device for the guest @cid (3 to 0xfffffffe); @host, @loop, @mem and @buffers, of VSOCK_BUFFERS
 * bytes, stay the caller's. Only those of the buffers are touched that are needed.
 */
void vsock_init(struct vsock *vsock, uint32_t cid, struct vsock_host *host, struct event_loop *loop,
		const struct guest_memory *mem, uint8_t *buffers);

/* Closes all streams; accepts a zeroed one. */
void vsock_fini(struct vsock *vsock);

/*
 * The host asks for a connection to the guest's @port: @stream is the device's until its close.
 * -ENOTCONN: there is no driver; -EBUSY: VSOCK_MAX_CONNECTIONS are there; then it stays the
 * caller's.
 */
int vsock_connect(struct vsock *vsock, struct vsock_stream *stream, uint32_t port);

/* What happened at @stream: VSOCK_READABLE, ...; nothing if the device has closed it. */
void vsock_event(struct vsock *vsock, struct vsock_stream *stream, unsigned event);

/*
 * After virtio_mmio_load: nothing else is saved of the device, so none of the driver's connections
 * is there any more, and it has to be told. Without an event queue it cannot be, and sees that its
 * packets are answered with VIRTIO_VSOCK_OP_RST.
 */
void vsock_loaded(struct vsock *vsock);
