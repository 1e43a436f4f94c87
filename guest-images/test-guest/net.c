// SPDX-License-Identifier: Apache-2.0
/* virtio-net. Start reading at net_echo. */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "pmem.h"
#include "serial.h"
#include "text.h"
#include "virtio_mmio.h"

#include <linux/if_ether.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>

enum { RECEIVE, TRANSMIT, QUEUES };

#define BUFFERS 64
#define BUFFER_SIZE 2048
#define TYPE 0x88b5 /* for experiments in one's own network */

struct buffer {
	struct virtio_net_hdr_v1 header;
	uint8_t frame[BUFFER_SIZE - sizeof(struct virtio_net_hdr_v1)];
};

static struct virtio_mmio device;
static struct virtqueue queues[QUEUES];
static struct buffer received[BUFFERS], sent[BUFFERS];
static uint8_t mac[ETH_ALEN];

static void offer_buffer(uint16_t n)
{
	virtqueue_describe(&queues[RECEIVE], n, (uint64_t)&received[n], sizeof(received[n]),
			   VRING_DESC_F_WRITE, 0);
	virtqueue_offer(&queues[RECEIVE], n);
}

static void kick(unsigned queue)
{
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static const char *start(void)
{
	const char *error =
		virtio_mmio_start(&device, 1UL << VIRTIO_NET_F_MAC, queues, QUEUES, BUFFERS);

	for (unsigned n = 0; n < QUEUES && !error; n++)
		if (queues[n].size < BUFFERS)
			error = fail("queue %u is shorter than %u", n, BUFFERS);
	for (uint16_t n = 0; n < BUFFERS && !error; n++)
		offer_buffer(n);
	if (!error)
		kick(RECEIVE);
	return error;
}

static const char *find(void)
{
	if (!virtio_mmio_find(VIRTIO_ID_NET, &device))
		return "there is no network card";
	for (unsigned n = 0; n < ETH_ALEN; n++)
		mac[n] = read8(device.base + VIRTIO_MMIO_CONFIG + n);
	print("test-guest: net mac %x:%x:%x:%x:%x:%x\n", mac[0], mac[1], mac[2], mac[3], mac[4],
	      mac[5]);
	return start();
}

/* Offers frame @n of @len bytes to be sent: its header and the rest in a buffer each. */
static void offer_frame(uint16_t n, uint32_t len)
{
	struct buffer *b = &sent[n];

	memset(&b->header, 0, sizeof(b->header));
	memset(b->frame, 0xff, ETH_ALEN);
	memcpy(b->frame + ETH_ALEN, mac, ETH_ALEN);
	b->frame[2 * ETH_ALEN] = TYPE >> 8;
	b->frame[2 * ETH_ALEN + 1] = TYPE & 0xff;
	virtqueue_describe(&queues[TRANSMIT], (uint16_t)(2 * n), (uint64_t)&b->header,
			   sizeof(b->header), VRING_DESC_F_NEXT, (uint16_t)(2 * n + 1));
	virtqueue_describe(&queues[TRANSMIT], (uint16_t)(2 * n + 1), (uint64_t)b->frame, len, 0, 0);
	virtqueue_offer(&queues[TRANSMIT], (uint16_t)(2 * n));
}

static const char *await(unsigned queue, struct vring_used_elem *ret_elem)
{
	if (virtio_mmio_await(&device, &queues[queue], ret_elem))
		return NULL;
	return queue == RECEIVE ? "no frame came" : "a frame was not sent";
}

/* The next frame of ours; those that the host's kernel sends by itself go back at once. */
static const char *await_frame(struct vring_used_elem *ret_elem)
{
	for (;;) {
		const char *error = await(RECEIVE, ret_elem);
		const uint8_t *frame = received[ret_elem->id % BUFFERS].frame;

		if (error || (frame[12] << 8 | frame[13]) == TYPE)
			return error;
		offer_buffer((uint16_t)ret_elem->id);
		kick(RECEIVE);
	}
}

static const char *compare(const struct vring_used_elem *elem, uint32_t len)
{
	const struct buffer *b = &received[elem->id];

	barrier();
	if (elem->len != sizeof(b->header) + len)
		return fail("a frame of %u bytes came back with %lu", len,
			    elem->len - sizeof(b->header));
	if (b->header.num_buffers != 1 || b->header.gso_type || b->header.flags & 1)
		return fail("flags 0x%x, type 0x%x, %u buffers", b->header.flags,
			    b->header.gso_type, b->header.num_buffers);
	if (memcmp(b->frame + ETH_HLEN, sent[0].frame + ETH_HLEN, len - ETH_HLEN) != 0)
		return fail("a frame of %u bytes came back changed", len);
	return NULL;
}

static const char *echo(unsigned number)
{
	uint32_t len = ETH_ZLEN + number * 97 % (ETH_FRAME_LEN - ETH_ZLEN + 1);
	struct vring_used_elem elem;
	const char *error;

	for (uint32_t i = 0; i < len; i++)
		sent[0].frame[i] = (uint8_t)(number + i * 7);
	offer_frame(0, len);
	kick(TRANSMIT);
	error = await(TRANSMIT, &elem);
	if (!error)
		error = await_frame(&elem);
	if (!error)
		error = compare(&elem, len);
	if (error)
		return error;
	offer_buffer((uint16_t)elem.id);
	kick(RECEIVE);
	return NULL;
}

/* Sends count= frames of all sizes, each of which the peer has to send back. */
static const char *echo_all(void)
{
	uint64_t count = args_number("count", 50);
	const char *error = NULL;

	for (unsigned i = 0; i < count && !error; i++)
		error = echo(i);
	return error;
}

static const char *net_echo(void)
{
	const char *error = find();

	return error ? error : echo_all();
}

/* The same with the card as the test before has left it, which a restored one must be. */
static const char *net_again(void)
{
	return echo_all();
}

/* Sends count= frames, with the ring always full. */
static const char *net_flood(void)
{
	const char *error = find();
	uint64_t count = args_number("count", 2000), offered = 0;
	struct vring_used_elem elem;

	if (error)
		return error;
	for (; offered < BUFFERS / 2 && offered < count; offered++)
		offer_frame((uint16_t)offered, ETH_FRAME_LEN);
	kick(TRANSMIT);
	for (uint64_t i = 0; i < count && !error; i++) {
		error = await(TRANSMIT, &elem);
		if (error || offered == count)
			continue;
		offer_frame((uint16_t)(elem.id / 2), ETH_FRAME_LEN);
		offered++;
		kick(TRANSMIT);
	}
	return error;
}

/* Flushes the first pmem device count= times while frames come, and gives their buffers back. */
static const char *net_storm(void)
{
	const char *error = find();
	uint64_t count = args_number("count", 50), frames = 0;
	struct vring_used_elem elem;

	for (uint64_t i = 0; i < count && !error; i++) {
		while (virtqueue_take(&queues[RECEIVE], &elem)) {
			offer_buffer((uint16_t)elem.id);
			frames++;
		}
		kick(RECEIVE);
		error = pmem_flush(&pmems[0]);
	}
	print("test-guest: net-storm frames %lu\n", frames);
	return error;
}

const struct check net_checks[] = {
	{ "net", .once = net_echo },
	{ "net-again", .once = net_again },
	{ "net-flood", .once = net_flood },
	{ "net-storm", .once = net_storm },
	{ 0 },
};
