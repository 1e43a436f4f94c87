// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/console.
/* Passes bytes between virtio-console and its console, on the event loop's thread. */
#include "vmm/console/virtio_port.h"

#include "vmm/base/container_of.h"

static struct console *console_of(struct virtio_console *virtio)
{
	return container_of(virtio, struct virtio_port, virtio)->console;
}

static unsigned port_write(struct virtio_console *virtio, const uint8_t *bytes, unsigned len)
{
	return console_write(console_of(virtio), bytes, len);
}

static unsigned port_take(struct virtio_console *virtio, uint8_t *bytes, unsigned max)
{
	return console_take(console_of(virtio), bytes, max);
}

static const struct virtio_console_ops virtio_ops = { .write = port_write, .take = port_take };

static void output_ready(struct console_device *device)
{
	virtio_console_output_ready(&container_of(device, struct virtio_port, device)->virtio);
}

static void input_ready(struct console_device *device)
{
	virtio_console_input_ready(&container_of(device, struct virtio_port, device)->virtio);
}

static const struct console_device_ops device_ops = {
	.output_ready = output_ready,
	.input_ready = input_ready,
};

void virtio_port_init(struct virtio_port *port, struct console *console, struct event_loop *loop,
		      const struct guest_memory *mem)
{
	port->device.ops = &device_ops;
	port->console = console;
	virtio_console_init(&port->virtio, &virtio_ops, loop, mem);
}
