// SPDX-License-Identifier: Apache-2.0
/* What a guest sends to the socket device. */
#include "tests/fuzz/vsock_request.h"

#include "devices/virtio/vsock.h"
#include "devices/virtio/vsock_packet.h"

unsigned vsock_request(struct fuzz_input *in, unsigned queue, uint8_t *bytes, unsigned size)
{
	static const uint32_t host_ports[] = { 52, 53, 0x40000000, 0x40000001 };
	static const uint32_t allocs[] = { 1 << 20, 0, 1, UINT32_MAX };
	uint8_t op = fuzz_input_u8(in), ports = fuzz_input_u8(in), credit = fuzz_input_u8(in);
	struct vsock_packet p = {
		.src_cid = VSOCK_REQUEST_CID,
		.dst_cid = 2,
		.src_port = 1 + (ports & 3),
		.dst_port = host_ports[ports >> 2 & 3],
		.len = op & 0x40 ? fuzz_input_u16(in) * 4u : fuzz_input_u8(in),
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op & 15,
		.flags = ports >> 4,
		.buf_alloc = allocs[credit & 3],
		.fwd_cnt = credit >> 2,
	};
	struct virtio_vsock_hdr header;

	/* Seldom something that is not for us. */
	if (op & 0x80) {
		uint8_t strange = fuzz_input_u8(in);

		p.src_cid ^= strange & 1;
		p.dst_cid ^= strange >> 1 & 1;
		p.type ^= strange >> 2 & 3;
		p.len ^= strange & 0x80 ? 0xffff0000 : 0;
	}
	header = vsock_packet_encode(&p);
	memcpy(bytes, &header, sizeof(header));
	memset(bytes + sizeof(header), 0x5a, size - sizeof(header));
	return size;
}

void vsock_request_answered(const struct device_answer *answer)
{
	if (answer->queue == VSOCK_RX)
		fuzz_check(answer->written >= sizeof(struct virtio_vsock_hdr));
	else
		fuzz_check(answer->queue == VSOCK_TX && answer->written == 0);
}
