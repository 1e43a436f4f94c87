// SPDX-License-Identifier: Apache-2.0
/* Carries bytes between the UART and files. Output: ports_write, put_byte, begin_write. */
#include "vmm/console.h"

#include "boot/layout.h"
#include "vmm/container_of.h"
#include "vmm/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ESCAPE_KEY 0x01 /* Ctrl-A */

static struct console *console_of_serial(struct serial *serial)
{
	return container_of(serial, struct console, serial);
}

/*
 * On a vCPU's thread, under the lock, as the next two. Writing an eventfd fails only at its
 * maximum, and then the other side is awake anyway.
 */
static bool put_byte(struct serial *serial, uint8_t byte)
{
	struct console *c = console_of_serial(serial);

	console_tail_add(&c->tail, byte);
	if (c->out_fd < 0)
		return true;
	c->out[(c->out_start + c->out_count++) % CONSOLE_BUFFER_SIZE] = byte;
	if (!c->writing) {
		c->writing = true;
		eventfd_write(c->wake_fd, 1);
	}
	return c->out_count < CONSOLE_BUFFER_SIZE;
}

static void interrupt(struct serial *serial)
{
	interrupt_line_pulse(console_of_serial(serial)->line);
}

/* Under the lock: gives the UART what it has room for. */
static void feed(struct console *c)
{
	while (c->in_count && serial_input_space(&c->serial)) {
		unsigned n = serial_input_space(&c->serial);

		if (n > c->in_count)
			n = c->in_count;
		if (n > CONSOLE_INPUT_SIZE - c->in_start)
			n = CONSOLE_INPUT_SIZE - c->in_start;
		serial_input(&c->serial, c->in + c->in_start, n);
		c->in_start = (c->in_start + n) % CONSOLE_INPUT_SIZE;
		c->in_count -= n;
	}
}

static void input_ready(struct serial *serial)
{
	struct console *c = console_of_serial(serial);

	feed(c);
	if (!c->input_wanted)
		return;
	c->input_wanted = false;
	eventfd_write(c->wake_fd, 1);
}

static const struct serial_ops serial_ops = {
	.output = put_byte,
	.interrupt = interrupt,
	.input_ready = input_ready,
};

static uint64_t ports_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct console *c = container_of(region, struct console, ports);
	uint64_t value;

	(void)size;
	pthread_mutex_lock(&c->lock);
	value = serial_read(&c->serial, (unsigned)offset);
	pthread_mutex_unlock(&c->lock);
	return value;
}

static void ports_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct console *c = container_of(region, struct console, ports);

	(void)size;
	pthread_mutex_lock(&c->lock);
	serial_write(&c->serial, (unsigned)offset, (uint8_t)value);
	pthread_mutex_unlock(&c->lock);
}

static const struct bus_ops ports_ops = { .read = ports_read, .write = ports_write };

/* Writes what is there, up to the ring's end; the vCPUs may add behind it meanwhile. */
static void begin_write(struct console *c)
{
	unsigned len;

	pthread_mutex_lock(&c->lock);
	len = CONSOLE_BUFFER_SIZE - c->out_start;
	if (len > c->out_count)
		len = c->out_count;
	c->writing = len > 0;
	pthread_mutex_unlock(&c->lock);
	c->write_queued = len > 0;
	if (len)
		event_loop_write(c->loop, &c->write, c->out_fd, c->out + c->out_start, len);
	else if (c->draining)
		event_loop_stop(c->loop);
}

/* From now on the guest's output goes nowhere, but the guest goes on. */
static void give_up_output(struct console *c, int error)
{
	log_warning("console output ends: %s", strerror(error));
	c->out_fd = -1;
	c->out_count = 0;
	c->writing = false;
}

static void write_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, write);

	/* The descriptor is somebody else's too, and may have been made non-blocking. */
	if (result == -EAGAIN) {
		event_loop_poll(c->loop, &c->writable, c->out_fd, POLLOUT);
		return;
	}
	pthread_mutex_lock(&c->lock);
	if (result < 0 && result != -EINTR) {
		give_up_output(c, -result);
	} else if (result > 0) {
		c->out_start = (c->out_start + (unsigned)result) % CONSOLE_BUFFER_SIZE;
		c->out_count -= (unsigned)result;
	}
	serial_output_ready(&c->serial);
	pthread_mutex_unlock(&c->lock);
	begin_write(c);
}

static void writable_done(struct event_op *op, int result)
{
	(void)result;
	begin_write(container_of(op, struct console, writable));
}

/*
 * A file's or a pipe's bytes stay with whoever sends them while there is no room for them. Keys are
 * always read, because one may be for us, not for a guest that hears nothing any more.
 */
static void poll_input(struct console *c)
{
	bool full;

	pthread_mutex_lock(&c->lock);
	full = c->in_count == CONSOLE_INPUT_SIZE && !c->escape_key;
	c->input_wanted = full;
	pthread_mutex_unlock(&c->lock);
	if (c->in_fd < 0 || c->input_polled || full)
		return;
	c->input_polled = true;
	event_loop_poll(c->loop, &c->input, c->in_fd, POLLIN);
}

static void switch_monitor(struct console *c)
{
	if (!c->ops->monitor_input)
		return;
	c->to_monitor = !c->to_monitor;
	if (c->to_monitor)
		c->ops->monitor_begins(c);
}

/* Takes out of @bytes what is not for the guest; returns how many are. */
static unsigned filter_escape(struct console *c, uint8_t *bytes, unsigned len)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < len; i++) {
		uint8_t byte = bytes[i];

		if (!c->escape_pressed && byte == ESCAPE_KEY) {
			c->escape_pressed = true;
			continue;
		}
		if (c->escape_pressed && (byte == 'x' || byte == 'X'))
			c->ops->quit(c);
		else if (c->escape_pressed && (byte == 'c' || byte == 'C'))
			switch_monitor(c);
		else if (c->escape_pressed && byte != ESCAPE_KEY)
			; /* no sequence of ours: dropped */
		else if (c->to_monitor)
			c->ops->monitor_input(c, &byte, 1);
		else
			bytes[kept++] = byte;
		c->escape_pressed = false;
	}
	return kept;
}

/* Keys beyond what there is room for are lost, as they are on a terminal that nobody reads. */
static void keep_input(struct console *c, const uint8_t *bytes, unsigned len)
{
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < len && c->in_count < CONSOLE_INPUT_SIZE; i++)
		c->in[(c->in_start + c->in_count++) % CONSOLE_INPUT_SIZE] = bytes[i];
	feed(c);
	pthread_mutex_unlock(&c->lock);
}

static void input_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, input);
	uint8_t bytes[256];
	unsigned room;
	ssize_t n;

	(void)result;
	c->input_polled = false;
	pthread_mutex_lock(&c->lock);
	room = CONSOLE_INPUT_SIZE - c->in_count;
	pthread_mutex_unlock(&c->lock);
	if (room > sizeof(bytes) || c->escape_key)
		room = sizeof(bytes);
	n = read(c->in_fd, bytes, room);
	/* The end of the input is no end of the guest: it just hears nothing any more. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		c->in_fd = -1;
		return;
	}
	if (n > 0 && c->escape_key)
		n = filter_escape(c, bytes, (unsigned)n);
	if (n > 0)
		keep_input(c, bytes, (unsigned)n);
	poll_input(c);
}

static void await_wake(struct console *c)
{
	event_loop_read(c->loop, &c->wake, c->wake_fd, &c->wake_count, sizeof(c->wake_count));
}

/* A vCPU wrote a first byte, or made room for input. */
static void wake_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, wake);
	bool begin;

	(void)result;
	pthread_mutex_lock(&c->lock);
	begin = c->writing && !c->write_queued;
	pthread_mutex_unlock(&c->lock);
	if (begin)
		begin_write(c);
	poll_input(c);
	await_wake(c);
}

static void drain_timeout_done(struct event_op *op, int result)
{
	(void)result;
	event_loop_stop(container_of(op, struct console, drain_timeout)->loop);
}

int console_init(struct console *console, const struct console_ops *ops, struct event_loop *loop,
		 int in_fd, int out_fd, struct interrupt_line *line)
{
	console->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (console->wake_fd < 0)
		return -errno;
	console->ports = (struct bus_region){ LAYOUT_SERIAL_PORT, LAYOUT_SERIAL_PORTS, &ports_ops };
	console->ops = ops;
	console->loop = loop;
	console->in_fd = in_fd;
	console->out_fd = out_fd;
	console->line = line;
	console->escape_key = in_fd >= 0 && (isatty(in_fd) || (ops && ops->monitor_input));
	pthread_mutex_init(&console->lock, NULL);
	serial_init(&console->serial, &serial_ops);
	console->wake.done = wake_done;
	console->write.done = write_done;
	console->writable.done = writable_done;
	console->input.done = input_done;
	console->drain_timeout.done = drain_timeout_done;
	console->drain_limit.tv_sec = 1;
	return 0;
}

void console_fini(struct console *console)
{
	if (console->wake_fd > 0)
		close(console->wake_fd);
	console->wake_fd = 0;
}

void console_start(struct console *console)
{
	await_wake(console);
	poll_input(console);
}

void console_text(struct console *console, char text[static CONSOLE_TAIL_SIZE + 2])
{
	pthread_mutex_lock(&console->lock);
	console_tail_text(&console->tail, text);
	pthread_mutex_unlock(&console->lock);
}

void console_drain(struct console *console)
{
	if (!console->writing)
		return;
	console->draining = true;
	event_loop_delay(console->loop, &console->drain_timeout, &console->drain_limit);
	event_loop_run(console->loop);
}
