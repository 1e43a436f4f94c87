/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's driver of the socket device played by hand, packet by packet; for test_vsock*.c. */
#pragma once

#include "devices/virtio/vsock.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define GUEST_CID 5
#define GUEST_RINGS 0x10000ULL
#define GUEST_RX_AT 0x100000ULL /* a page for each buffer */
#define GUEST_TX_AT 0x200000ULL
#define GUEST_RING_SIZE 256
#define GUEST_BUFFER 4096
#define GUEST_HEADER ((uint32_t)sizeof(struct virtio_vsock_hdr))
#define GUEST_READY 15

struct vsock_guest {
	struct driver_host host;
	struct driver driver;
	struct driver_ring rx, tx;
	uint16_t rx_seen, tx_sent;
	uint8_t payload[GUEST_BUFFER]; /* of the packet that came last */
};

static inline void guest_program_queue(struct vsock_guest *g, unsigned queue,
				       const struct driver_ring *ring)
{
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_SEL, queue);
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_NUM, ring->size);
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring->desc_at);
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring->avail_at);
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring->used_at);
	driver_write(&g->driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(&g->driver, VIRTIO_MMIO_QUEUE_READY), 1);
}

/* From a reset to DRIVER_OK, without any receive buffers. */
static inline void guest_start(struct vsock_guest *g)
{
	struct driver_ring events;

	driver_ring_init(&g->rx, g->host.ram, GUEST_RINGS, GUEST_RING_SIZE);
	driver_ring_init(&g->tx, g->host.ram, GUEST_RINGS + 0x3000, GUEST_RING_SIZE);
	driver_ring_init(&events, g->host.ram, GUEST_RINGS + 0x6000, 16);
	g->rx_seen = g->tx_sent = 0;
	driver_negotiate(&g->driver);
	guest_program_queue(g, VSOCK_RX, &g->rx);
	guest_program_queue(g, VSOCK_TX, &g->tx);
	guest_program_queue(g, VSOCK_EVENT, &events);
	driver_write(&g->driver, VIRTIO_MMIO_STATUS, GUEST_READY);
	check_eq(driver_read(&g->driver, VIRTIO_MMIO_STATUS), GUEST_READY);
}

static inline void guest_ring(struct vsock_guest *g, unsigned queue)
{
	driver_ring_doorbell(&g->driver, queue);
	driver_settle(&g->host);
}

/* Offers the receive buffer @i, of @len bytes. */
static inline void guest_offer(struct vsock_guest *g, uint16_t i, uint32_t len)
{
	driver_ring_desc(&g->rx, i, GUEST_RX_AT + i * (uint64_t)GUEST_BUFFER, len,
			 VRING_DESC_F_WRITE, 0);
	driver_ring_offer(&g->rx, i);
}

static inline void guest_offer_all(struct vsock_guest *g)
{
	for (uint16_t i = 0; i < GUEST_RING_SIZE; i++)
		guest_offer(g, i, GUEST_BUFFER);
	guest_ring(g, VSOCK_RX);
}

/* A packet for the host with sensible values, for a test to change. */
static inline struct vsock_packet guest_packet(uint16_t op, uint32_t src_port, uint32_t dst_port)
{
	return (struct vsock_packet){
		.src_cid = GUEST_CID,
		.dst_cid = 2,
		.src_port = src_port,
		.dst_port = dst_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = 1 << 20,
	};
}

/* Stages @p with @len bytes behind its header, in a second descriptor. */
static inline void guest_stage(struct vsock_guest *g, const struct vsock_packet *p,
			       const void *payload, uint32_t len)
{
	struct virtio_vsock_hdr header = vsock_packet_encode(p);
	uint16_t head = (uint16_t)(g->tx_sent++ * 2 % GUEST_RING_SIZE);
	uint64_t at = GUEST_TX_AT + head / 2 * 0x100;

	memcpy(g->host.ram + at, &header, sizeof(header));
	if (len)
		memcpy(g->host.ram + GUEST_TX_AT + 0x100000, payload, len);
	driver_ring_desc(&g->tx, head, at, sizeof(header), len ? VRING_DESC_F_NEXT : 0,
			 (uint16_t)(head + 1));
	driver_ring_desc(&g->tx, (uint16_t)(head + 1), GUEST_TX_AT + 0x100000, len, 0, 0);
	driver_ring_offer(&g->tx, head);
}

static inline void guest_send_packet(struct vsock_guest *g, const struct vsock_packet *p,
				     const void *payload, uint32_t len)
{
	guest_stage(g, p, payload, len);
	guest_ring(g, VSOCK_TX);
}

static inline void guest_send(struct vsock_guest *g, uint16_t op, uint32_t src_port,
			      uint32_t dst_port)
{
	struct vsock_packet p = guest_packet(op, src_port, dst_port);

	guest_send_packet(g, &p, NULL, 0);
}

static inline void guest_send_data(struct vsock_guest *g, uint32_t src_port, uint32_t dst_port,
				   const void *data, uint32_t len)
{
	struct vsock_packet p = guest_packet(VIRTIO_VSOCK_OP_RW, src_port, dst_port);

	p.len = len;
	guest_send_packet(g, &p, data, len);
}

static inline void guest_shutdown(struct vsock_guest *g, uint32_t src_port, uint32_t dst_port,
				  uint32_t flags)
{
	struct vsock_packet p = guest_packet(VIRTIO_VSOCK_OP_SHUTDOWN, src_port, dst_port);

	p.flags = flags;
	guest_send_packet(g, &p, NULL, 0);
}

/* How many packets have come and were not looked at. */
static inline unsigned guest_waiting(const struct vsock_guest *g)
{
	return (uint16_t)(le16toh(g->rx.used->idx) - g->rx_seen);
}

/* The next packet that has come; its buffer is offered again. Checks what all have in common. */
static inline struct vsock_packet guest_take(struct vsock_guest *g)
{
	struct vring_used_elem *used = &g->rx.used->ring[g->rx_seen % GUEST_RING_SIZE];
	uint16_t i = (uint16_t)le32toh(used->id);
	const uint8_t *buffer = g->host.ram + GUEST_RX_AT + i * (uint64_t)GUEST_BUFFER;
	struct virtio_vsock_hdr header;
	struct vsock_packet p;

	cr_assert(guest_waiting(g) > 0, "no packet has come");
	g->rx_seen++;
	memcpy(&header, buffer, sizeof(header));
	p = vsock_packet_decode(&header);
	check_eq(le32toh(used->len), GUEST_HEADER + p.len);
	check_eq(p.dst_cid, GUEST_CID);
	memcpy(g->payload, buffer + GUEST_HEADER, p.len);
	guest_offer(g, i, GUEST_BUFFER);
	return p;
}

/* The same where @op has to be next, between these ports. */
static inline struct vsock_packet guest_expect(struct vsock_guest *g, uint16_t op,
					       uint32_t host_port, uint32_t guest_port)
{
	struct vsock_packet p = guest_take(g);

	check_eq(p.op, op, "operation");
	check_eq(p.src_cid, 2);
	check_eq(p.type, VIRTIO_VSOCK_TYPE_STREAM);
	check_eq(p.src_port, host_port, "port of the host");
	check_eq(p.dst_port, guest_port, "port of the guest");
	return p;
}

static inline void guest_expect_none(const struct vsock_guest *g)
{
	check_eq(guest_waiting(g), 0, "a packet has come");
}

static inline bool guest_broken(struct vsock_guest *g)
{
	return driver_read(&g->driver, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
