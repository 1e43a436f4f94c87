/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-console's port, with a console behind it. */
#pragma once

#include "devices/virtio/virtio_console.h"
#include "vmm/console/console.h"

struct virtio_port {
	struct console_device device;
	struct virtio_console virtio;
	struct console *console; /* borrowed */
};

/* @console, which must be made with @port's device, @loop and @mem stay the caller's. */
void virtio_port_init(struct virtio_port *port, struct console *console, struct event_loop *loop,
		      const struct guest_memory *mem);
