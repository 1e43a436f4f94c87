// SPDX-License-Identifier: Apache-2.0
/*
 * virtio-vsock: the queues, and whose packet it is. Each event (move_packets) takes at most a
 * ring's worth of the guest's packets and gives at most as many, going round the connections; all
 * events of one turn of the loop move at most VSOCK_TURN bytes. Start reading at move_packets.
 */
#include "devices/virtio/vsock.h"

#include "vmm/base/container_of.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/vm_sockets.h>
#include <string.h>

/* As others choose them, out of the way of well-known ones. */
#define FIRST_PORT 0x40000000u
#define LAST_PORT 0x7fffffffu

#define HEADER ((uint32_t)sizeof(struct virtio_vsock_hdr))

static bool is_known(const struct vsock_connection *c)
{
	return c->state != VSOCK_FREE && c->state != VSOCK_DRAINING;
}

static struct vsock_connection *find_connection(struct vsock *vsock, uint32_t guest_port,
						uint32_t host_port)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		struct vsock_connection *c = &vsock->connections[i];

		if (c->guest_port == guest_port && c->host_port == host_port && is_known(c))
			return c;
	}
	return NULL;
}

static struct vsock_connection *find_free(struct vsock *vsock)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		if (vsock->connections[i].state == VSOCK_FREE)
			return &vsock->connections[i];
	return NULL;
}

/* The next connection that has a packet for the guest, or NULL. */
static struct vsock_connection *find_turn(struct vsock *vsock)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		unsigned n = (vsock->next + i) % VSOCK_MAX_CONNECTIONS;

		if (vsock_connection_wants(&vsock->connections[n]))
			return &vsock->connections[n];
	}
	return NULL;
}

/* When a turn has moved its bytes, the rest waits for the next turn. */
static void spend_turn(struct vsock *vsock, uint32_t bytes)
{
	vsock->turn_left -= bytes < vsock->turn_left ? bytes : vsock->turn_left;
	if (vsock->turn_left || vsock->more_posted)
		return;
	vsock->more_posted = event_loop_post(vsock->loop, &vsock->more) == 0;
	/* At the VM's end there are no turns any more, and nobody waits for one. */
	if (!vsock->more_posted)
		vsock->turn_left = VSOCK_TURN;
}

/* Makes sure that there is a buffer for a packet. 1; 0 if there is none; -EPROTO with *@ret_why. */
static int hold_buffer(struct vsock *vsock, const char **ret_why)
{
	struct virtqueue_chain *chain = &vsock->rx_chain;
	int ret;

	if (virtqueue_is_frozen(&vsock->queues[VSOCK_RX]))
		return 0;
	if (vsock->rx_held)
		return 1;
	ret = virtqueue_pop(&vsock->queues[VSOCK_RX], chain, ret_why);
	if (ret <= 0)
		return ret;
	/* Section 5.10.6.4. */
	if (chain->n_readable) {
		*ret_why = "a buffer of the receive queue is not writable";
		return -EPROTO;
	}
	if (chain->writable_len <= HEADER) {
		*ret_why = "a buffer of the receive queue has no room for a packet";
		return -EPROTO;
	}
	vsock->rx_held = true;
	return 1;
}

/* The next packet, with its payload in vsock->payload. False: there is none. */
static bool next_packet(struct vsock *vsock, struct vsock_packet *ret_packet)
{
	uint32_t room = vsock->rx_chain.writable_len - HEADER;
	struct vsock_connection *c;

	if (room > VSOCK_BUFFER)
		room = VSOCK_BUFFER;
	if (vsock->n_resets) {
		*ret_packet = vsock->resets[--vsock->n_resets];
		return true;
	}
	while ((c = find_turn(vsock))) {
		vsock->next = (unsigned)(c - vsock->connections) + 1;
		if (vsock_connection_next(c, vsock->payload, room, ret_packet)) {
			ret_packet->src_cid = VMADDR_CID_HOST;
			return true;
		}
	}
	return false;
}

/* Puts a packet into the buffer that is held. NULL, or the reason why the device is broken. */
static const char *give_packet(struct vsock *vsock, struct vsock_packet *p)
{
	struct virtqueue *rx = &vsock->queues[VSOCK_RX];
	struct virtio_vsock_hdr header;

	p->dst_cid = vsock->guest_cid;
	header = vsock_packet_encode(p);
	if (virtqueue_chain_write(rx, &vsock->rx_chain, 0, &header, HEADER) < 0 ||
	    virtqueue_chain_write(rx, &vsock->rx_chain, HEADER, vsock->payload, p->len) < 0)
		return "the host cannot supply a page of a pmem disk that a buffer lies in";
	virtqueue_push(rx, vsock->rx_chain.head, HEADER + p->len);
	vsock->rx_held = false;
	vsock->used[VSOCK_RX] = true;
	vsock->rx_left--;
	spend_turn(vsock, HEADER + p->len);
	vsock->counters.received_bytes += p->len;
	return NULL;
}

static const char *give_packets(struct vsock *vsock)
{
	struct vsock_packet packet;
	const char *why = NULL;

	while (!why && vsock->turn_left && vsock->rx_left &&
	       (vsock->n_resets || find_turn(vsock)) && hold_buffer(vsock, &why) > 0 &&
	       next_packet(vsock, &packet))
		why = give_packet(vsock, &packet);
	return why;
}

/* Answers @p, which belongs to no connection; there is room for it. */
static void refuse(struct vsock *vsock, const struct vsock_packet *p)
{
	if (p->op == VIRTIO_VSOCK_OP_RST)
		return;
	vsock->resets[vsock->n_resets++] = (struct vsock_packet){
		.src_cid = p->dst_cid,
		.src_port = p->dst_port,
		.dst_port = p->src_port,
		.type = p->type,
		.op = VIRTIO_VSOCK_OP_RST,
	};
}

static void accept_connection(struct vsock *vsock, const struct vsock_packet *p)
{
	struct vsock_connection *c = find_free(vsock);
	struct vsock_stream *stream = NULL;

	if (c)
		stream = vsock->host->ops->connect(vsock->host, p->dst_port);
	else
		log_guest(&vsock->limit,
			  "vsock: refused a connection: %u are open, the most there can be",
			  VSOCK_MAX_CONNECTIONS);
	if (!stream) {
		vsock->counters.refused++;
		refuse(vsock, p);
		return;
	}
	vsock->counters.connections++;
	vsock_connection_begin(c, p->src_port, p->dst_port, stream, p);
}

/* Gives a packet to its connection. NULL, or the reason why the device is broken. */
static const char *deliver_packet(struct vsock *vsock, struct vsock_connection *c,
				  const struct virtqueue_chain *chain, const struct vsock_packet *p)
{
	bool data = p->op == VIRTIO_VSOCK_OP_RW, asking = c->state == VSOCK_ASKING;
	uint32_t before;

	if (data && (p->len > chain->readable_len - HEADER || p->len > VSOCK_BUFFER)) {
		log_guest(&vsock->limit,
			  "vsock: a packet's header says %u bytes of payload, but it has %u",
			  p->len, chain->readable_len - HEADER);
		vsock_connection_reset(c);
		return NULL;
	}
	if (data && virtqueue_chain_read(&vsock->queues[VSOCK_TX], chain, HEADER, vsock->payload,
					 p->len) < 0)
		return "the host cannot supply a page of a pmem disk that a packet lies in";
	before = c->received.put;
	vsock_connection_take(c, p, vsock->payload);
	/* Bytes that came without credit are not counted. */
	vsock->counters.sent_bytes += data ? c->received.put - before : 0;
	vsock->counters.connections += asking && c->state == VSOCK_OPEN;
	vsock->counters.refused += asking && c->state != VSOCK_OPEN;
	return NULL;
}

static const char *dispatch(struct vsock *vsock, const struct virtqueue_chain *chain,
			    const struct vsock_packet *p)
{
	struct vsock_connection *c;

	/* Sections 5.10.6.2 and 5.10.6.4. A packet with a false source has nobody to answer to. */
	if (p->src_cid != vsock->guest_cid) {
		log_guest(&vsock->limit, "vsock: dropped a packet from CID %llu, not the guest's",
			  (unsigned long long)p->src_cid);
		return NULL;
	}
	if (p->dst_cid != VMADDR_CID_HOST || p->type != VIRTIO_VSOCK_TYPE_STREAM) {
		refuse(vsock, p);
		return NULL;
	}
	c = find_connection(vsock, p->src_port, p->dst_port);
	if (c)
		return deliver_packet(vsock, c, chain, p);
	if (p->op == VIRTIO_VSOCK_OP_REQUEST)
		accept_connection(vsock, p);
	else
		refuse(vsock, p);
	return NULL;
}

static const char *accept_packet(struct vsock *vsock, const struct virtqueue_chain *chain)
{
	struct virtqueue *tx = &vsock->queues[VSOCK_TX];
	struct virtio_vsock_hdr header;
	struct vsock_packet packet;
	const char *why;

	if (chain->n_writable)
		return "a buffer of the transmit queue is writable";
	if (chain->readable_len < HEADER)
		return "a packet is shorter than its header";
	if (virtqueue_chain_read(tx, chain, 0, &header, HEADER) < 0)
		return "the host cannot supply a page of a pmem disk that a packet lies in";
	packet = vsock_packet_decode(&header);
	why = dispatch(vsock, chain, &packet);
	if (why)
		return why;
	virtqueue_push(tx, chain->head, 0);
	vsock->used[VSOCK_TX] = true;
	spend_turn(vsock, chain->readable_len);
	return NULL;
}

static const char *accept_packets(struct vsock *vsock)
{
	struct virtqueue *tx = &vsock->queues[VSOCK_TX];
	struct virtqueue_chain chain;
	const char *why = NULL;

	/* If another vCPU adds packets meanwhile, it kicks, too. */
	for (unsigned left = tx->setup.size; left && vsock->turn_left && !why; left--) {
		if (vsock->n_resets == VSOCK_MAX_RESETS)
			why = give_packets(vsock);
		/* Still full: no packet is read until the guest gives buffers. */
		if (vsock->n_resets == VSOCK_MAX_RESETS || why ||
		    virtqueue_pop(tx, &chain, &why) <= 0)
			break;
		why = accept_packet(vsock, &chain);
	}
	return why;
}

/* Gives packets that wait. If @kicked, accepts the guest's packets and gives the answers. */
static void move_packets(struct vsock *vsock, bool kicked)
{
	const struct virtqueue *queues = vsock->queues;
	const char *why;

	if (!vsock->running || !queues[VSOCK_RX].ready || !queues[VSOCK_TX].ready ||
	    vsock->event != VSOCK_EVENT_NONE)
		return;
	vsock->rx_left = queues[VSOCK_RX].setup.size;
	memset(vsock->used, 0, sizeof(vsock->used));
	why = give_packets(vsock);
	if (!why && kicked)
		why = accept_packets(vsock);
	if (!why && kicked)
		why = give_packets(vsock);
	if (why) {
		virtio_broken(&vsock->virtio, why);
		return;
	}
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		if (vsock->used[i])
			virtio_queue_used(&vsock->virtio, i);
}

static void continue_turn(struct event_call *call)
{
	struct vsock *vsock = container_of(call, struct vsock, more);

	vsock->more_posted = false;
	vsock->turn_left = VSOCK_TURN;
	move_packets(vsock, true);
}

/* Section 5.10.6.6. NULL, or the reason why the device is broken. */
static const char *send_event(struct vsock *vsock)
{
	const struct virtio_vsock_event event = {
		.id = host_to_le32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET),
	};
	struct virtqueue *vq = &vsock->queues[VSOCK_EVENT];
	struct virtqueue_chain chain;
	const char *why = NULL;

	if (virtqueue_pop(vq, &chain, &why) <= 0)
		return why;
	if (chain.n_readable)
		return "a buffer of the event queue is not writable";
	if (chain.writable_len < sizeof(event))
		return "a buffer of the event queue has no room for an event";
	if (virtqueue_chain_write(vq, &chain, 0, &event, sizeof(event)) < 0)
		return "the host cannot supply a page of a pmem disk that a buffer lies in";
	virtqueue_push(vq, chain.head, sizeof(event));
	vsock->event = VSOCK_EVENT_SENT;
	virtio_queue_used(&vsock->virtio, VSOCK_EVENT);
	return NULL;
}

/*
 * A driver gives the event's buffer back once it has closed its connections. A packet that came
 * before that could begin one that is closed with them.
 */
static void kick_events(struct vsock *vsock)
{
	const char *why = NULL;

	if (vsock->event == VSOCK_EVENT_OWED) {
		why = send_event(vsock);
	} else if (vsock->event == VSOCK_EVENT_SENT) {
		vsock->event = VSOCK_EVENT_NONE;
		move_packets(vsock, true);
	}
	if (why)
		virtio_broken(&vsock->virtio, why);
}

static void vsock_kick(struct virtio_device *dev, unsigned queue)
{
	struct vsock *vsock = container_of(dev, struct vsock, virtio);

	if (queue == VSOCK_EVENT) {
		kick_events(vsock);
		return;
	}
	vsock->running = true;
	move_packets(vsock, true);
}

/* Neither queue is of use without the other, and no connection is without both. */
static void vsock_stop_queue(struct virtio_device *dev, unsigned queue)
{
	struct vsock *vsock = container_of(dev, struct vsock, virtio);

	if (queue == VSOCK_EVENT) {
		vsock->event = VSOCK_EVENT_NONE;
		return;
	}
	vsock->running = false;
	vsock->rx_held = false;
	vsock->n_resets = 0;
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		vsock_connection_abandon(&vsock->connections[i]);
}

static const struct virtio_device_ops vsock_ops = {
	.kick = vsock_kick,
	.stop_queue = vsock_stop_queue,
};

void vsock_init(struct vsock *vsock, uint32_t cid, struct vsock_host *host, struct event_loop *loop,
		const struct guest_memory *mem, uint8_t *buffers)
{
	memset(vsock, 0, offsetof(struct vsock, payload));
	vsock->virtio = (struct virtio_device){
		.ops = &vsock_ops,
		.name = "vsock",
		.id = VIRTIO_ID_VSOCK,
		.features = 1ULL << VIRTIO_F_VERSION_1,
		.config = &vsock->config,
		.config_size = sizeof(vsock->config),
		.queues = vsock->queues,
		.n_queues = VSOCK_QUEUES,
	};
	vsock->config.guest_cid = host_to_le64(cid);
	vsock->guest_cid = cid;
	vsock->host = host;
	vsock->loop = loop;
	vsock->turn_left = VSOCK_TURN;
	vsock->more.run = continue_turn;
	vsock->next_port = FIRST_PORT;
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		virtqueue_init(&vsock->queues[i], mem);
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		vsock->connections[i].buffer = buffers + (size_t)i * VSOCK_BUFFER;
}

void vsock_fini(struct vsock *vsock)
{
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		if (vsock->connections[i].stream)
			vsock_connection_reset(&vsock->connections[i]);
}

static uint32_t choose_port(struct vsock *vsock, uint32_t guest_port)
{
	uint32_t port;

	do {
		port = vsock->next_port;
		vsock->next_port = port == LAST_PORT ? FIRST_PORT : port + 1;
	} while (find_connection(vsock, guest_port, port));
	return port;
}

int vsock_connect(struct vsock *vsock, struct vsock_stream *stream, uint32_t port)
{
	struct vsock_connection *c = find_free(vsock);

	if (!vsock->running)
		return -ENOTCONN;
	if (!c)
		return -EBUSY;
	vsock_connection_begin(c, port, choose_port(vsock, port), stream, NULL);
	move_packets(vsock, false);
	return 0;
}

void vsock_event(struct vsock *vsock, struct vsock_stream *stream, unsigned event)
{
	if (!stream->connection)
		return;
	vsock_connection_event(stream->connection, event);
	move_packets(vsock, false);
}

void vsock_loaded(struct vsock *vsock)
{
	if (vsock->queues[VSOCK_EVENT].ready)
		vsock->event = VSOCK_EVENT_OWED;
}
