/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console, the console device (VIRTIO 1.3 section 5.3) with one port: a queue of empty
 * buffers that input goes into, and a queue of full ones that are output. It offers no feature:
 * several ports would need two queues more and a protocol, and Linux never uses the register for
 * emergencies; the serial port is there for those.
 *
 * All functions run on the event loop's thread, and none of them waits: output that has no room
 * stays where it is, in the guest, and so does what a turn has no time for.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdbool.h>

/* Section 5.3.2. */
#define VIRTIO_CONSOLE_RECEIVE 0
#define VIRTIO_CONSOLE_TRANSMIT 1

/* Output that one turn takes; a chain counts as so many bytes at least. */
#define VIRTIO_CONSOLE_TURN 65536
#define VIRTIO_CONSOLE_CHAIN 1024

struct virtio_console;

struct virtio_console_ops {
	/*
	 * Takes @len bytes, of which there are never more than it returned the last time: for how
	 * many there is room then. After 0 virtio_console_output_ready says when there is some.
	 */
	unsigned (*write)(struct virtio_console *console, const uint8_t *bytes, unsigned len);
	/* Gives up to @max bytes of input; how many. After 0 virtio_console_input_ready says. */
	unsigned (*take)(struct virtio_console *console, uint8_t *bytes, unsigned max);
};

struct virtio_console {
	struct virtio_device virtio;
	struct virtqueue queues[2];
	const struct virtio_console_ops *ops;
	struct event_loop *loop; /* borrowed */
	bool active[2];		 /* the driver is ready, as far as the last kick or stop told */
	bool holds[2];		 /* the queue's chain was taken and not given back yet */
	struct virtqueue_chain chains[2];
	uint32_t sent;		/* bytes of the chain that is output */
	struct event_call turn; /* the next one for output, */
	bool turn_posted;	/* if it is to come */
};

/* @loop and @mem stay the caller's. */
void virtio_console_init(struct virtio_console *console, const struct virtio_console_ops *ops,
			 struct event_loop *loop, const struct guest_memory *mem);

void virtio_console_output_ready(struct virtio_console *console);
void virtio_console_input_ready(struct virtio_console *console);

/*
 * Save and load what is beside registers and queues: how much of the guest's next output was
 * written already. Loaded after virtio_mmio_load. There is no input to save: it stays with the
 * console until the guest has a buffer for it, and the input of a saved VM is not that of another.
 */
void virtio_console_save(const struct virtio_console *console, struct state_writer *writer);
void virtio_console_load(struct virtio_console *console, struct state_reader *reader);
