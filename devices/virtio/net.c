// SPDX-License-Identifier: Apache-2.0
/* virtio-net. Start reading at send_frames and receive_frames. */
#include "devices/virtio/net.h"

#include "vmm/base/container_of.h"
#include "vmm/base/endian.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>

#define BIT(feature) (1ULL << (feature))

/* Offloads: what the driver may leave to the host, and the host to the driver (5.1.3). */
#define GUEST_OFFLOADS                                                                             \
	(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                             \
	 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN))
#define HOST_OFFLOADS                                                                              \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |      \
	 BIT(VIRTIO_NET_F_HOST_ECN))

/* In front of each frame; with VIRTIO_F_VERSION_1 it always has all its members. */
struct header {
	uint8_t flags;
	uint8_t gso_type;
	__le16 hdr_len;
	__le16 gso_size;
	__le16 csum_start;
	__le16 csum_offset;
	__le16 num_buffers;
};
_Static_assert(sizeof(struct header) == sizeof(struct virtio_net_hdr_v1), "section 5.1.6");

static struct net *net_of(struct virtio_device *dev)
{
	return container_of(dev, struct net, virtio);
}

static bool negotiated(const struct net *net, unsigned feature)
{
	return net->virtio.driver_features & BIT(feature);
}

/* Whether frames of @gso_type may go to the driver (@to_guest), or come from it. */
static bool segments(const struct net *net, uint8_t gso_type, bool to_guest)
{
	bool ecn = gso_type & VIRTIO_NET_HDR_GSO_ECN;

	if (ecn && !negotiated(net, to_guest ? VIRTIO_NET_F_GUEST_ECN : VIRTIO_NET_F_HOST_ECN))
		return false;
	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return !ecn;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return negotiated(net, to_guest ? VIRTIO_NET_F_GUEST_TSO4 : VIRTIO_NET_F_HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return negotiated(net, to_guest ? VIRTIO_NET_F_GUEST_TSO6 : VIRTIO_NET_F_HOST_TSO6);
	default:
		return false;
	}
}

/* Returns the rule of section 5.1.6.2.1 that the driver's header breaks, or NULL. */
static const char *check_header(const struct net *net, const struct header *h)
{
	bool csum = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	if (csum && !negotiated(net, VIRTIO_NET_F_CSUM))
		return "a frame needs a checksum, but VIRTIO_NET_F_CSUM was not negotiated";
	if (!segments(net, h->gso_type, false))
		return "a frame needs segmentation of a kind that was not negotiated";
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE && !csum)
		return "a frame needs segmentation, but no checksum";
	return NULL;
}

/*
 * Whether the offsets in the header lie within the frame of @len bytes. Fields that mean nothing
 * become 0 (section 5.1.6.2.2). The host's kernel checks the bytes at these offsets.
 */
static bool settle_header(struct header *h, uint32_t len)
{
	uint32_t csum = (uint32_t)le16_to_host(h->csum_start) + le16_to_host(h->csum_offset);

	if (len < ETH_HLEN || len > NET_FRAME_MAX)
		return false;
	h->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->num_buffers = host_to_le16(0);
	if (!h->flags)
		h->csum_start = h->csum_offset = host_to_le16(0);
	else if (csum + 2 > len)
		return false;
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		h->hdr_len = h->gso_size = host_to_le16(0);
	else if (!le16_to_host(h->gso_size) || le16_to_host(h->hdr_len) > len)
		return false;
	return true;
}

/* Gives one frame to the host. NULL, or what went wrong. */
static const char *send_frame(struct net *net, const struct virtqueue_chain *chain)
{
	struct virtqueue *vq = &net->queues[NET_TRANSMIT];
	struct iovec iov[1 + VIRTQUEUE_MAX_SIZE];
	struct header h;
	const char *why;
	uint32_t len;
	unsigned n;

	if (chain->n_writable)
		return "a buffer of the transmit queue is writable";
	if (chain->readable_len < sizeof(h))
		return "a frame shorter than its header";
	if (virtqueue_chain_read(vq, chain, 0, &h, sizeof(h)) < 0)
		return "the host cannot supply a page of a pmem disk that a header lies in";
	why = check_header(net, &h);
	if (why)
		return why;
	len = chain->readable_len - (uint32_t)sizeof(h);
	iov[0] = (struct iovec){ &h, sizeof(h) };
	n = 1 + virtqueue_chain_iov(vq, chain, false, sizeof(h), iov + 1);
	/*
	 * It may be refused: the interface is down, the frame makes no sense, the host lacks a page
	 * of it. A network loses frames, so nobody waits for an answer.
	 */
	if (settle_header(&h, len) && writev(net->fd, iov, (int)n) >= 0) {
		net->counters.sent++;
		net->counters.sent_bytes += len;
	} else {
		net->counters.send_dropped++;
	}
	virtqueue_push(vq, chain->head, 0);
	return NULL;
}

/* Frames that are left after a burst wait for the loop's next turn. */
static void send_frames(struct net *net)
{
	uint64_t end = net->counters.sent_bytes + NET_BURST_BYTES;
	struct virtqueue_chain chain;
	const char *why = NULL;
	unsigned n = 0;

	while (n < NET_BURST && net->counters.sent_bytes < end && !why &&
	       virtqueue_pop(&net->queues[NET_TRANSMIT], &chain, &why) > 0) {
		why = send_frame(net, &chain);
		n++;
	}
	if (why) {
		virtio_broken(&net->virtio, why);
		return;
	}
	if (n)
		virtio_queue_used(&net->virtio, NET_TRANSMIT);
	if ((n == NET_BURST || net->counters.sent_bytes >= end) && !net->more_posted) {
		net->more_posted = true;
		event_loop_post(net->loop, &net->more);
	}
}

static void send_more(struct event_call *call)
{
	struct net *net = container_of(call, struct net, more);

	net->more_posted = false;
	if (net->running[NET_TRANSMIT])
		send_frames(net);
}

/* Makes net->waiting a chain for the next frame: 1, 0 if there is none, or -EPROTO. */
static int hold_buffer(struct net *net, const char **ret_why)
{
	struct virtqueue_chain *chain = &net->waiting;
	int ret;

	if (virtqueue_is_frozen(&net->queues[NET_RECEIVE]))
		return 0;
	if (net->holding)
		return 1;
	ret = virtqueue_pop(&net->queues[NET_RECEIVE], chain, ret_why);
	if (ret <= 0)
		return ret;
	if (chain->n_readable)
		*ret_why = "a buffer of the receive queue is not writable";
	else if (chain->writable_len <= sizeof(struct header))
		*ret_why = "a receive buffer without room for more than the header";
	if (*ret_why)
		return -EPROTO;
	net->holding = true;
	return 1;
}

/* Waits for a frame, if the driver has a buffer for it; its next kick goes on otherwise. */
static void await_frames(struct net *net)
{
	const char *why = NULL;
	int ret = hold_buffer(net, &why);

	if (why) {
		virtio_broken(&net->virtio, why);
	} else if (ret > 0 && !net->awaiting) {
		net->awaiting = true;
		event_loop_poll(net->loop, &net->frames, net->fd, POLLIN);
	}
}

/*
 * Reads the next frame, without its header, into the buffer. Returns its length with the header.
 * If that is more than there is room for, the frame is lost. -errno of readv(2).
 */
static ssize_t take_frame(struct net *net, struct header *ret_h)
{
	struct iovec iov[2 + VIRTQUEUE_MAX_SIZE];
	uint8_t beyond;
	ssize_t len;
	unsigned n;

	iov[0] = (struct iovec){ ret_h, sizeof(*ret_h) };
	n = 1 + virtqueue_chain_iov(&net->queues[NET_RECEIVE], &net->waiting, true, sizeof(*ret_h),
				    iov + 1);
	iov[n++] = (struct iovec){ &beyond, 1 };
	len = readv(net->fd, iov, (int)n);
	return len < 0 ? -errno : len;
}

/*
 * Makes the driver's header from the host's. Returns false if the driver did not negotiate such
 * frames: a frame may have come before the tap's offloads were set.
 */
static bool translate_header(const struct net *net, struct header *h)
{
	bool csum = negotiated(net, VIRTIO_NET_F_GUEST_CSUM);

	if (!segments(net, h->gso_type, true) || (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !csum))
		return false;
	h->flags &= csum ? VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID : 0;
	/* Section 5.1.6.4.1: so it is where buffers are not merged. */
	h->num_buffers = host_to_le16(1);
	return true;
}

/* Gives the frame that take_frame took to the driver. NULL, or what went wrong. */
static const char *give_frame(struct net *net, struct header *h, size_t len)
{
	struct virtqueue *vq = &net->queues[NET_RECEIVE];

	if (len < sizeof(*h) || len > net->waiting.writable_len || !translate_header(net, h)) {
		net->counters.receive_dropped++;
		return NULL;
	}
	if (virtqueue_chain_write(vq, &net->waiting, 0, h, sizeof(*h)) < 0)
		return "the host cannot supply a page of a pmem disk that a buffer lies in";
	net->holding = false;
	virtqueue_push(vq, net->waiting.head, (uint32_t)len);
	net->counters.received++;
	net->counters.received_bytes += len - sizeof(*h);
	return NULL;
}

/*
 * One step of receive_frames: 1 if there may be more, 0 if the driver has no buffer; or -errno,
 * -EAGAIN without a frame, with *@ret_why if the device is broken.
 */
static int receive_frame(struct net *net, const char **ret_why)
{
	struct header h = { 0 };
	int ret = hold_buffer(net, ret_why);
	ssize_t len;

	if (ret <= 0)
		return ret;
	len = take_frame(net, &h);
	/* A tap's answer for segments that no header can describe. The frame is gone. */
	if (len == -EINVAL) {
		net->counters.receive_dropped++;
		return 1;
	}
	if (len == -EFAULT)
		*ret_why = "the host cannot supply a page of a pmem disk that a buffer lies in";
	if (len < 0)
		return (int)len;
	*ret_why = give_frame(net, &h, (size_t)len);
	return *ret_why ? -EIO : 1;
}

static void receive_frames(struct net *net)
{
	uint64_t received = net->counters.received;
	uint64_t end = net->counters.received_bytes + NET_BURST_BYTES;
	const char *why = NULL;
	int ret = 1;

	for (unsigned n = 0; n < NET_BURST && net->counters.received_bytes < end && ret > 0; n++)
		ret = receive_frame(net, &why);
	if (why) {
		virtio_broken(&net->virtio, why);
		return;
	}
	if (net->counters.received != received)
		virtio_queue_used(&net->virtio, NET_RECEIVE);
	/* After a burst, too, so that other devices get their turn. */
	if (ret >= 0 || ret == -EAGAIN || ret == -EINTR)
		await_frames(net);
	else
		log_host_fault(&net->host_limit, "%s: cannot receive: %s", net->virtio.name,
			       strerror(-ret));
}

static void frames_came(struct event_op *op, int result)
{
	struct net *net = container_of(op, struct net, frames);

	net->awaiting = false;
	if (net->running[NET_RECEIVE])
		receive_frames(net);
}

/* The driver's features are settled before its first kick. */
static void settle_offloads(struct net *net)
{
	uint64_t offloads = net->virtio.driver_features & GUEST_OFFLOADS;
	int ret;

	if (net->offloads_set && net->offloads == offloads)
		return;
	net->offloads_set = true;
	net->offloads = offloads;
	ret = net->ops->set_offloads(net, offloads);
	if (ret < 0)
		log_host_fault(&net->host_limit, "%s: cannot set the offloads of the tap: %s",
			       net->virtio.name, strerror(-ret));
}

static void net_kick(struct virtio_device *dev, unsigned queue)
{
	struct net *net = net_of(dev);

	net->running[queue] = true;
	settle_offloads(net);
	if (queue == NET_TRANSMIT)
		send_frames(net);
	else
		await_frames(net);
}

/* Frames that come from now on wait on the host's side. */
static void net_stop_queue(struct virtio_device *dev, unsigned queue)
{
	struct net *net = net_of(dev);

	net->running[queue] = false;
	if (queue == NET_RECEIVE)
		net->holding = false;
}

static const struct virtio_device_ops device_ops = {
	.kick = net_kick,
	.stop_queue = net_stop_queue,
};

void net_init(struct net *net, const char *name, const struct net_ops *ops, int fd,
	      const uint8_t mac[ETH_ALEN], struct event_loop *loop, const struct guest_memory *mem)
{
	*net = (struct net){
		.virtio = {
			.ops = &device_ops,
			.name = name,
			.id = VIRTIO_ID_NET,
			.features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MAC) |
				    GUEST_OFFLOADS | HOST_OFFLOADS,
			.config = net->mac,
			.config_size = sizeof(net->mac),
			.queues = net->queues,
			.n_queues = NET_QUEUES,
		},
		.ops = ops,
		.loop = loop,
		.fd = fd,
		.frames.done = frames_came,
		.more.run = send_more,
	};
	memcpy(net->mac, mac, sizeof(net->mac));
	for (unsigned i = 0; i < NET_QUEUES; i++)
		virtqueue_init(&net->queues[i], mem);
	event_loop_register(loop, fd);
}

void net_save(const struct net *net, struct state_writer *writer)
{
	state_writer_bytes(writer, net->mac, sizeof(net->mac));
}

void net_load(struct net *net, struct state_reader *reader)
{
	static const uint8_t none[ETH_ALEN];
	uint8_t mac[ETH_ALEN];

	state_reader_bytes(reader, mac, sizeof(mac));
	if (mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0)
		state_reader_fail(reader, EINVAL,
				  "has %02x:%02x:%02x:%02x:%02x:%02x, which cannot be the address "
				  "of a card; save the VM again",
				  mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	else
		memcpy(net->mac, mac, sizeof(net->mac));
}
