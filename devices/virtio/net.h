/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net, the network card (VIRTIO 1.3 section 5.1): a queue of frames each way, between guest
 * memory and a descriptor that takes and gives a frame behind a struct virtio_net_hdr_v1 with each
 * write or read: a tap. The kernel moves the frame itself; only its header is copied here, and
 * validated. All on the event loop's thread, a few frames at a time.
 *
 * Checksums and segmentation are left to whoever comes last, both ways. There are no merged receive
 * buffers: a driver that takes large frames gives buffers for the largest one, as the Linux driver
 * does, so one frame is one chain and one system call, and none is ever half received.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Frames, and bytes of them, that are moved each way before the devices beside it get their turn: a
 * frame that is still to be segmented costs as much as many others.
 */
#define NET_BURST 32
#define NET_BURST_BYTES (256u << 10)

/* The longest one: an IPv6 packet of 64 KiB with two tags of a VLAN. */
#define NET_FRAME_MAX (ETH_HLEN + 8 + 40 + 65535)

enum { NET_RECEIVE, NET_TRANSMIT, NET_QUEUES };

struct net;

/* What the host's side is told. */
struct net_ops {
	/*
	 * The driver of the device is ready for frames as the VIRTIO_NET_F_GUEST_* bits of
	 * @features say, those without a checksum and those that are still to be segmented. -errno:
	 * it may send others then, which are dropped.
	 */
	int (*set_offloads)(struct net *net, uint64_t features);
};

/* Frames, and bytes without headers; dropped: those that could not be taken or given. */
struct net_counters {
	uint64_t received, received_bytes, receive_dropped;
	uint64_t sent, sent_bytes, send_dropped;
};

struct net {
	struct virtio_device virtio;
	const struct net_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* borrowed, non-blocking */
	struct virtqueue queues[NET_QUEUES];
	uint8_t mac[ETH_ALEN];
	struct event_op frames; /* that there are any to receive */
	bool awaiting;
	struct event_call more; /* to send */
	bool more_posted;
	bool running[NET_QUEUES];	/* from the first kick to the queue's stop */
	bool holding;			/* a chain that waits for a frame: */
	struct virtqueue_chain waiting; /* not touched until there is one */
	bool offloads_set;
	uint64_t offloads;
	struct net_counters counters;
	struct log_limit host_limit; /* for faults of the host */
};

/*
 * @name, for messages, @ops, @fd, @loop and @mem stay the caller's; @mac is copied.
 */
void net_init(struct net *net, const char *name, const struct net_ops *ops, int fd,
	      const uint8_t mac[ETH_ALEN], struct event_loop *loop, const struct guest_memory *mem);

/*
 * Save and load what is beside registers and queues: the address. The offloads follow from the
 * driver's features, and are set at the first kick, so also on a tap that is another one now.
 */
void net_save(const struct net *net, struct state_writer *writer);
void net_load(struct net *net, struct state_reader *reader);
