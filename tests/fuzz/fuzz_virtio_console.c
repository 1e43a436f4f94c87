// SPDX-License-Identifier: Apache-2.0
// Covers: devices/virtio/virtio_console.c devices/virtio/virtqueue.c
/*
 * virtio-console with buffers of all shapes, an outside that has room now and then and types now
 * and then: each byte of input reaches the guest once and in order, output never exceeds its room
 * or what a turn may take, and the next turn goes on with it.
 */
#include "devices/virtio/virtio_console.h"

#include "tests/fuzz/device.h"

#include <string.h>

static struct virtio_console console;
static uint32_t room, typed; /* bytes */
static uint64_t out, sent;   /* bytes that came out; and of chains that came back */
static unsigned turn;	     /* bytes that came out in this step */

static unsigned write_out(struct virtio_console *c, const uint8_t *bytes, unsigned len)
{
	fuzz_check(len <= room, "%u bytes with room for %u", len, room);
	room -= len;
	out += len;
	turn += len;
	return room;
}

static unsigned take_keys(struct virtio_console *c, uint8_t *bytes, unsigned max)
{
	unsigned n = typed < max ? typed : max;

	memset(bytes, 'k', n);
	typed -= n;
	return n;
}

static const struct virtio_console_ops ops = { write_out, take_keys };

static struct virtio_device *start(struct fuzz_input *in, struct event_loop *loop,
				   const struct guest_memory *mem)
{
	console = (struct virtio_console){ .ops = NULL };
	room = fuzz_input_u8(in) * 64;
	typed = 0;
	out = sent = turn = 0;
	virtio_console_init(&console, &ops, loop, mem);
	return &console.virtio;
}

/* Somebody reads, or types, or the next turn comes. */
static void event(struct fuzz_input *in)
{
	uint8_t what = fuzz_input_u8(in);

	if (what == 0xff) {
		if (loop_find(LOOP_CALL))
			loop_finish(LOOP_CALL, 0);
	} else if (what & 1) {
		room += what * 16;
		virtio_console_output_ready(&console);
	} else {
		typed += what;
		virtio_console_input_ready(&console);
	}
}

static void answered(const struct device_answer *answer)
{
	if (answer->queue == VIRTIO_CONSOLE_RECEIVE) {
		fuzz_check(answer->readable_len == 0 && answer->written > 0);
	} else {
		fuzz_check(answer->writable_len == 0 && answer->written == 0);
		sent += answer->readable_len;
	}
}

static void check(void)
{
	fuzz_check(out >= sent, "a chain came back before all of it came out");
	fuzz_check(turn <= VIRTIO_CONSOLE_TURN, "%u bytes in one turn", turn);
	turn = 0;
	fuzz_check((loop_count(LOOP_CALL) != 0) == console.turn_posted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_target target = {
		.start = start,
		.event = event,
		.answered = answered,
		.check = check,
	};

	return device_run(&target, data, size);
}
