// SPDX-License-Identifier: Apache-2.0
/* virtio-console. Start reading at transmit and receive. */
#include "devices/virtio/virtio_console.h"

#include "vmm/base/container_of.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define PIECE 4096 /* bytes that are copied at once */

static const char no_memory[] =
	"the host cannot supply a page of a pmem disk that a buffer lies in";

/* Sees to it that the queue's next chain is held. 0 if there is none, or -EPROTO with @ret_why. */
static int hold_chain(struct virtio_console *c, unsigned queue, const char **ret_why)
{
	int ret = 1;

	if (virtqueue_is_frozen(&c->queues[queue]))
		return 0;
	if (!c->holds[queue])
		ret = virtqueue_pop(&c->queues[queue], &c->chains[queue], ret_why);
	c->holds[queue] = ret > 0;
	return ret;
}

static void give_back(struct virtio_console *c, unsigned queue, uint32_t written)
{
	virtqueue_push(&c->queues[queue], c->chains[queue].head, written);
	c->holds[queue] = false;
}

static void finish_turn(struct virtio_console *c, unsigned queue, bool used, const char *why)
{
	if (why)
		virtio_broken(&c->virtio, why);
	else if (used)
		virtio_queue_used(&c->virtio, queue);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * Sends of the chain that is held what there is room and time for; how many bytes, or -errno. All
 * that the guest may still change is read once, into @bytes.
 */
static int send_piece(struct virtio_console *c, unsigned *room, unsigned left)
{
	const struct virtqueue_chain *chain = &c->chains[VIRTIO_CONSOLE_TRANSMIT];
	uint32_t n = least(least(chain->readable_len - c->sent, *room), least(left, PIECE));
	uint8_t bytes[PIECE];
	int ret =
		virtqueue_chain_read(&c->queues[VIRTIO_CONSOLE_TRANSMIT], chain, c->sent, bytes, n);

	if (ret < 0)
		return ret;
	*room = c->ops->write(c, bytes, n);
	c->sent += n;
	return (int)n;
}

/* One turn: other devices must not wait for a guest that has much to say. */
static void transmit(struct virtio_console *c)
{
	const struct virtqueue_chain *chain = &c->chains[VIRTIO_CONSOLE_TRANSMIT];
	unsigned left = VIRTIO_CONSOLE_TURN, room = c->ops->write(c, NULL, 0);
	const char *why = NULL;
	bool used = false;

	while (left && hold_chain(c, VIRTIO_CONSOLE_TRANSMIT, &why) > 0) {
		int n = 0;

		/* Section 5.3.6.1. */
		if (chain->n_writable)
			why = "a buffer of the transmit queue is writable";
		else if (c->sent < chain->readable_len && !room)
			break;
		else if (c->sent < chain->readable_len)
			n = send_piece(c, &room, left);
		if (n < 0)
			why = no_memory;
		if (why)
			break;
		left -= (unsigned)n;
		if (c->sent < chain->readable_len)
			continue;
		give_back(c, VIRTIO_CONSOLE_TRANSMIT, 0);
		c->sent = 0;
		used = true;
		left -= least(left, VIRTIO_CONSOLE_CHAIN);
	}
	if (!left && !why && !c->turn_posted)
		c->turn_posted = event_loop_post(c->loop, &c->turn) == 0;
	finish_turn(c, VIRTIO_CONSOLE_TRANSMIT, used, why);
}

static void next_turn(struct event_call *call)
{
	struct virtio_console *c = container_of(call, struct virtio_console, turn);

	c->turn_posted = false;
	virtio_console_output_ready(c);
}

/* Input is taken only with a buffer at hand, so that none is lost. */
static void receive(struct virtio_console *c)
{
	const struct virtqueue_chain *chain = &c->chains[VIRTIO_CONSOLE_RECEIVE];
	const char *why = NULL;
	bool used = false;

	for (unsigned left = c->queues[VIRTIO_CONSOLE_RECEIVE].setup.size; left; left--) {
		uint8_t bytes[PIECE];
		uint32_t n;

		if (hold_chain(c, VIRTIO_CONSOLE_RECEIVE, &why) <= 0)
			break;
		if (chain->n_readable)
			why = "a buffer of the receive queue is not writable";
		else if (!chain->writable_len)
			why = "an empty buffer in the receive queue";
		if (why)
			break;
		n = c->ops->take(c, bytes, least(chain->writable_len, PIECE));
		if (!n)
			break;
		if (virtqueue_chain_write(&c->queues[VIRTIO_CONSOLE_RECEIVE], chain, 0, bytes, n) <
		    0) {
			why = no_memory;
			break;
		}
		give_back(c, VIRTIO_CONSOLE_RECEIVE, n);
		used = true;
	}
	finish_turn(c, VIRTIO_CONSOLE_RECEIVE, used, why);
}

void virtio_console_output_ready(struct virtio_console *c)
{
	if (c->active[VIRTIO_CONSOLE_TRANSMIT])
		transmit(c);
}

void virtio_console_input_ready(struct virtio_console *c)
{
	if (c->active[VIRTIO_CONSOLE_RECEIVE])
		receive(c);
}

static void console_kick(struct virtio_device *dev, unsigned queue)
{
	struct virtio_console *c = container_of(dev, struct virtio_console, virtio);

	c->active[queue] = true;
	if (queue == VIRTIO_CONSOLE_TRANSMIT)
		transmit(c);
	else
		receive(c);
}

static void console_stop_queue(struct virtio_device *dev, unsigned queue)
{
	struct virtio_console *c = container_of(dev, struct virtio_console, virtio);

	c->active[queue] = c->holds[queue] = false;
	if (queue == VIRTIO_CONSOLE_TRANSMIT)
		c->sent = 0;
}

static const struct virtio_device_ops console_ops = {
	.kick = console_kick,
	.stop_queue = console_stop_queue,
};

void virtio_console_init(struct virtio_console *c, const struct virtio_console_ops *ops,
			 struct event_loop *loop, const struct guest_memory *mem)
{
	c->virtio = (struct virtio_device){
		.ops = &console_ops,
		.name = "console",
		.id = VIRTIO_ID_CONSOLE,
		.features = 1ULL << VIRTIO_F_VERSION_1,
		.queues = c->queues,
		.n_queues = 2,
	};
	c->ops = ops;
	c->loop = loop;
	c->turn.run = next_turn;
	for (unsigned i = 0; i < 2; i++)
		virtqueue_init(&c->queues[i], mem);
}

void virtio_console_save(const struct virtio_console *c, struct state_writer *writer)
{
	state_writer_u32(writer, c->sent);
}

/* Any number will do: a chain of which all was written is given back. */
void virtio_console_load(struct virtio_console *c, struct state_reader *reader)
{
	c->sent = state_reader_u32(reader);
	if (!c->sent || c->queues[VIRTIO_CONSOLE_TRANSMIT].ready)
		return;
	state_reader_fail(reader, EINVAL,
			  "has written %" PRIu32
			  " bytes of a queue that is not ready; save the VM again",
			  c->sent);
	c->sent = 0;
}
