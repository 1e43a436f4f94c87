// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/console/test_console.c.
/* Connects the UART to the bus and to the console. Start reading at serial_ops. */
#include "vmm/wiring/serial_port.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

static struct serial_port *port_of(struct serial *serial)
{
	return container_of(serial, struct serial_port, serial);
}

/* All of these are called under the lock. */
static bool put_byte(struct serial *serial, uint8_t byte)
{
	return console_write(port_of(serial)->console, &byte, 1) > 0;
}

static void interrupt(struct serial *serial)
{
	interrupt_line_pulse(port_of(serial)->line);
}

/* Moves input into the UART while that has room. */
static void feed_uart(struct serial *serial)
{
	uint8_t bytes[SERIAL_FIFO_SIZE];
	unsigned n;

	do {
		n = console_take(port_of(serial)->console, bytes, serial_input_space(serial));
		if (n)
			serial_input(serial, bytes, n);
	} while (n);
}

static const struct serial_ops serial_ops = {
	.output = put_byte,
	.interrupt = interrupt,
	.input_ready = feed_uart,
};

static uint64_t ports_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct serial_port *port = container_of(region, struct serial_port, ports);
	uint64_t value;

	pthread_mutex_lock(&port->lock);
	value = serial_read(&port->serial, (unsigned)offset);
	pthread_mutex_unlock(&port->lock);
	return value;
}

static void ports_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct serial_port *port = container_of(region, struct serial_port, ports);

	pthread_mutex_lock(&port->lock);
	serial_write(&port->serial, (unsigned)offset, (uint8_t)value);
	pthread_mutex_unlock(&port->lock);
}

static const struct bus_ops ports_ops = { .read = ports_read, .write = ports_write };

static void output_ready(struct console_device *device)
{
	struct serial_port *port = container_of(device, struct serial_port, device);

	pthread_mutex_lock(&port->lock);
	serial_output_ready(&port->serial);
	pthread_mutex_unlock(&port->lock);
}

static void input_ready(struct console_device *device)
{
	struct serial_port *port = container_of(device, struct serial_port, device);

	pthread_mutex_lock(&port->lock);
	feed_uart(&port->serial);
	pthread_mutex_unlock(&port->lock);
}

static const struct console_device_ops device_ops = {
	.output_ready = output_ready,
	.input_ready = input_ready,
};

void serial_port_init(struct serial_port *port, struct console *console,
		      struct interrupt_line *line)
{
	port->device.ops = &device_ops;
	port->ports = (struct bus_region){ LAYOUT_SERIAL_PORT, LAYOUT_SERIAL_PORTS, &ports_ops };
	port->console = console;
	port->line = line;
	pthread_mutex_init(&port->lock, NULL);
	serial_init(&port->serial, &serial_ops);
}

void serial_port_save(struct serial_port *port, struct state_writer *writer)
{
	pthread_mutex_lock(&port->lock);
	serial_save(&port->serial, writer);
	pthread_mutex_unlock(&port->lock);
}

void serial_port_load(struct serial_port *port, struct state_reader *reader)
{
	pthread_mutex_lock(&port->lock);
	serial_load(&port->serial, reader);
	pthread_mutex_unlock(&port->lock);
}

void serial_port_restored(struct serial_port *port)
{
	pthread_mutex_lock(&port->lock);
	serial_restored(&port->serial);
	pthread_mutex_unlock(&port->lock);
}
