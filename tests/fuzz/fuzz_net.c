// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/net.c devices/virtio/virtqueue.c
/*
 * virtio-net between any driver and any network: what comes to the tap is a frame whose header
 * names nothing beyond it and nothing that was not negotiated, what comes to the guest is a frame
 * that came from the tap and that its driver can take, and no step moves more than a burst.
 */
#include "devices/virtio/net.h"

#include "tests/fuzz/device.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <sys/uio.h>

#define TAP_FD 50
/* struct virtio_net_hdr_v1, in this machine's byte order: x86's, which is the wire's. */
struct header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

#define HEADER ((uint32_t)sizeof(struct header))
#define FRAMES_MAX 64

static struct net net;

/* The tap: what it gives, oldest first, and what the next calls answer instead. */
static struct {
	uint8_t flags, gso_type;
	uint16_t len;
} frames[FRAMES_MAX];
static unsigned n_frames;
static int read_error, write_error;

/* Since the last step, and since the start. */
static unsigned reads, writes;
static uint64_t given, given_bytes, taken;
static uint64_t bytes_before; /* moved until the last step, both ways */

/* By the specification (section 5.1.6): whether a frame of this kind may go one way. */
static bool negotiated(uint8_t flags, uint8_t gso_type, const unsigned features[4])
{
	uint64_t has = net.virtio.driver_features;
	uint8_t kind = gso_type & 0x7f;
	bool csum = has >> features[0] & 1, ecn = gso_type & 0x80;

	if ((flags & 1 && !csum) || (ecn && (!kind || !(has >> features[3] & 1))))
		return false;
	return kind == 0 || (kind == 1 && has >> features[1] & 1) ||
	       (kind == 4 && has >> features[2] & 1);
}

static const unsigned to_host[] = { VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4,
				    VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_HOST_ECN };
static const unsigned to_guest[] = { VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
				     VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN };

ssize_t writev(int fd, const struct iovec *iovec, int count)
{
	struct header h;
	size_t len = 0;

	writes++;
	fuzz_check(fd == TAP_FD && count >= 2 && iovec[0].iov_len == HEADER);
	memcpy(&h, iovec[0].iov_base, HEADER);
	for (int i = 1; i < count; i++) {
		const volatile uint8_t *bytes = iovec[i].iov_base;

		/* Both ends of it are there; between them there are no gaps. */
		(void)bytes[0];
		(void)bytes[iovec[i].iov_len - 1];
		len += iovec[i].iov_len;
	}
	fuzz_check(len >= ETH_HLEN && len <= NET_FRAME_MAX, "%zu", len);
	fuzz_check((h.flags & ~1) == 0 && negotiated(h.flags, h.gso_type, to_host), "0x%x 0x%x",
		   h.flags, h.gso_type);
	fuzz_check(!h.flags || h.csum_start + h.csum_offset + 2u <= len);
	fuzz_check(h.flags || (h.csum_start == 0 && h.csum_offset == 0));
	fuzz_check(h.gso_type ? h.flags && h.gso_size && h.hdr_len <= len
			      : h.gso_size == 0 && h.hdr_len == 0);
	fuzz_check(h.num_buffers == 0);
	errno = write_error;
	taken += !write_error;
	return write_error ? -1 : (ssize_t)(HEADER + len);
}

/* Copies as a kernel does; what does not fit is lost. */
static size_t scatter(const struct iovec *iov, int n, const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	for (int i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;

		memcpy(iov[i].iov_base, bytes + done, part);
		done += part;
	}
	return done;
}

ssize_t readv(int fd, const struct iovec *iovec, int count)
{
	static uint8_t bytes[HEADER + UINT16_MAX];
	size_t len;

	reads++;
	fuzz_check(fd == TAP_FD && count >= 3 && iovec[0].iov_len == HEADER);
	errno = read_error ? read_error : EAGAIN;
	if (read_error || !n_frames)
		return -1;
	memset(bytes, 0, HEADER);
	bytes[0] = frames[0].flags;
	bytes[1] = frames[0].gso_type;
	len = scatter(iovec, count, bytes, HEADER + frames[0].len);
	if (len == HEADER + (size_t)frames[0].len && iovec[count - 1].iov_len == 1 &&
	    negotiated(frames[0].flags, frames[0].gso_type, to_guest)) {
		size_t room = 0;

		for (int i = 0; i < count - 1; i++)
			room += iovec[i].iov_len;
		given += len <= room;
		given_bytes += len <= room ? frames[0].len : 0;
	}
	memmove(&frames[0], &frames[1], --n_frames * sizeof(frames[0]));
	return (ssize_t)len;
}

static int set_offloads(struct net *which, uint64_t features)
{
	fuzz_check(which == &net && !(features & ~net.virtio.driver_features));
	return 0;
}

static const struct net_ops ops = { .set_offloads = set_offloads };

static struct virtio_device *start(struct fuzz_input *in, struct event_loop *loop,
				   const struct guest_memory *mem)
{
	static const uint8_t mac[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };

	n_frames = reads = writes = 0;
	read_error = write_error = 0;
	given = given_bytes = taken = bytes_before = 0;
	net_init(&net, "fuzz", &ops, TAP_FD, mac, loop, mem);
	return &net.virtio;
}

/* A frame's header, most often one that makes sense. */
static unsigned request(struct fuzz_input *in, unsigned queue, uint8_t *bytes, unsigned size)
{
	struct header h = { .flags = 0 };
	uint8_t what = fuzz_input_u8(in);

	h.flags = what & 1;
	if (what & 2) {
		h.gso_type = what & 4 ? 4 : 1;
		h.gso_size = 8;
		h.hdr_len = 54;
	}
	if (what & 8)
		h.gso_type |= 0x80;
	if (what & 0x10)
		h.csum_start = 34, h.csum_offset = 16;
	if (what & 0x20)
		h.csum_start = fuzz_input_u16(in);
	if (what & 0x40)
		h.flags = fuzz_input_u8(in), h.gso_type = fuzz_input_u8(in);
	if (what & 0x80)
		h.hdr_len = fuzz_input_u16(in), h.gso_size = fuzz_input_u8(in);
	memcpy(bytes, &h, HEADER);
	return HEADER;
}

static void arrive(struct fuzz_input *in)
{
	if (n_frames == FRAMES_MAX)
		return;
	frames[n_frames].flags = fuzz_input_u8(in) & 3;
	frames[n_frames].gso_type = fuzz_input_u8(in);
	frames[n_frames++].len = fuzz_input_u16(in);
}

static void event(struct fuzz_input *in)
{
	static const int errors[] = { 0, 0, EBADFD, EFAULT, EINTR, EINVAL };
	uint8_t what = fuzz_input_u8(in);

	if (what & 1)
		arrive(in);
	if (what & 2)
		for (unsigned i = 0; i < what >> 2; i++)
			arrive(in);
	else if (what & 4)
		read_error = errors[what % ARRAY_SIZE(errors)];
	else if (what & 8)
		write_error = errors[what % ARRAY_SIZE(errors)];
	if (what & 0x10 && loop_find(LOOP_CALL))
		loop_finish(LOOP_CALL, 0);
	else if (loop_find(LOOP_POLL) && (n_frames || read_error))
		loop_finish(LOOP_POLL, 1);
}

static void answered(const struct device_answer *answer)
{
	if (answer->queue == NET_TRANSMIT)
		fuzz_check(answer->written == 0 && answer->writable_len == 0 &&
			   answer->readable_len >= HEADER);
	else
		fuzz_check(answer->written >= HEADER && answer->readable_len == 0, "%u",
			   answer->written);
}

static void check(void)
{
	const struct net_counters *n = &net.counters;

	fuzz_check(reads <= NET_BURST && writes <= NET_BURST, "%u and %u in one step", reads,
		   writes);
	reads = writes = 0;
	fuzz_check(n->sent_bytes + n->received_bytes - bytes_before <
			   2ULL * (NET_BURST_BYTES + NET_FRAME_MAX),
		   "%lu bytes in one step", n->sent_bytes + n->received_bytes - bytes_before);
	bytes_before = n->sent_bytes + n->received_bytes;
	fuzz_check(loop_count(LOOP_POLL) <= 1 && loop_count(LOOP_CALL) <= 1);
	fuzz_check(n->sent == taken);
	fuzz_check(n->received == given && n->received_bytes == given_bytes, "%lu of %lu frames",
		   n->received, given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_target target = {
		.features = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_CSUM |
			    1ULL << VIRTIO_NET_F_HOST_TSO4 | 1ULL << VIRTIO_NET_F_HOST_TSO6 |
			    1ULL << VIRTIO_NET_F_HOST_ECN | 1ULL << VIRTIO_NET_F_GUEST_CSUM |
			    1ULL << VIRTIO_NET_F_GUEST_TSO4 | 1ULL << VIRTIO_NET_F_GUEST_TSO6 |
			    1ULL << VIRTIO_NET_F_GUEST_ECN,
		/* A frame that does not fit is lost, and its buffer has the next one. */
		.scribbles = true,
		.start = start,
		.request = request,
		.event = event,
		.answered = answered,
		.check = check,
	};

	return device_run(&target, data, size);
}
