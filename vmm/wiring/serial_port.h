/* SPDX-License-Identifier: Apache-2.0 */
/* The serial port: a UART on the bus of ports, with a console behind it. */
#pragma once

#include "devices/platform/serial.h"
#include "vmm/base/interrupt_line.h"
#include "vmm/console/console.h"
#include "vmm/kvm/bus.h"

#include <pthread.h>

struct serial_port {
	struct console_device device;
	struct bus_region ports;
	struct console *console;     /* borrowed */
	struct interrupt_line *line; /* borrowed */
	pthread_mutex_t lock;	     /* for vCPUs and the loop; taken before the console's */
	struct serial serial;
};

/* @console, which must be made with @port's device, and @line stay the caller's. */
void serial_port_init(struct serial_port *port, struct console *console,
		      struct interrupt_line *line);

/* See serial.h; from any thread. */
void serial_port_save(struct serial_port *port, struct state_writer *writer);
void serial_port_load(struct serial_port *port, struct state_reader *reader);
void serial_port_restored(struct serial_port *port);
