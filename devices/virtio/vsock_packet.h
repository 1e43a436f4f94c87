/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/unit/devices/virtio/test_vsock.c.
/*
 * The header of a packet of the socket device (VIRTIO 1.3 section 5.10.6), in this machine's byte
 * order and away from guest memory.
 */
#pragma once

#include "vmm/base/endian.h"

#include <linux/virtio_vsock.h>
#include <stdint.h>

#define VSOCK_SHUTDOWN_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

struct vsock_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len; /* of the payload behind the header */
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t buf_alloc, fwd_cnt;
};

static inline struct vsock_packet vsock_packet_decode(const struct virtio_vsock_hdr *h)
{
	return (struct vsock_packet){
		.src_cid = le64_to_host(h->src_cid),
		.dst_cid = le64_to_host(h->dst_cid),
		.src_port = le32_to_host(h->src_port),
		.dst_port = le32_to_host(h->dst_port),
		.len = le32_to_host(h->len),
		.type = le16_to_host(h->type),
		.op = le16_to_host(h->op),
		.flags = le32_to_host(h->flags),
		.buf_alloc = le32_to_host(h->buf_alloc),
		.fwd_cnt = le32_to_host(h->fwd_cnt),
	};
}

static inline struct virtio_vsock_hdr vsock_packet_encode(const struct vsock_packet *p)
{
	return (struct virtio_vsock_hdr){
		.src_cid = host_to_le64(p->src_cid),
		.dst_cid = host_to_le64(p->dst_cid),
		.src_port = host_to_le32(p->src_port),
		.dst_port = host_to_le32(p->dst_port),
		.len = host_to_le32(p->len),
		.type = host_to_le16(p->type),
		.op = host_to_le16(p->op),
		.flags = host_to_le32(p->flags),
		.buf_alloc = host_to_le32(p->buf_alloc),
		.fwd_cnt = host_to_le32(p->fwd_cnt),
	};
}
