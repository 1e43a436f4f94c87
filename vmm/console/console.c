// SPDX-License-Identifier: Apache-2.0
/* Carries bytes between a guest's device and the backends: console_write, input_read, take. */
#include "vmm/console/console.h"

#include "vmm/base/container_of.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ESCAPE_KEY 0x01 /* Ctrl-A */

/* The backends of a console share its eventfd, by which they find it. */
static struct console *console_of(struct console_backend *backend)
{
	return container_of(backend->lock, struct console, lock);
}

unsigned console_write(struct console *c, const uint8_t *bytes, unsigned len)
{
	unsigned room = UINT32_MAX;

	if (len)
		console_tail_add(c->tail, bytes, len);
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < c->n_backends; i++) {
		unsigned has;

		console_backend_put(&c->backends[i], bytes, len);
		has = console_backend_room(&c->backends[i]);
		room = has < room ? has : room;
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}

unsigned console_take(struct console *c, uint8_t *bytes, unsigned max)
{
	unsigned n = 0;
	bool wanted;

	pthread_mutex_lock(&c->lock);
	for (; n < max && c->in_count; n++, c->in_count--) {
		bytes[n] = c->in[c->in_start];
		c->in_start = (c->in_start + 1) % CONSOLE_INPUT_SIZE;
	}
	wanted = n && c->input_wanted;
	if (wanted)
		c->input_wanted = false;
	pthread_mutex_unlock(&c->lock);
	if (wanted)
		eventfd_write(c->wake_fd, 1);
	return n;
}

/* Keys are always read, because one may be for us, not for a guest that hears nothing any more. */
static unsigned input_room(struct console_backend *backend)
{
	struct console *c = console_of(backend);
	unsigned room;

	if (backend->escape_key)
		return CONSOLE_INPUT_SIZE;
	pthread_mutex_lock(&c->lock);
	room = CONSOLE_INPUT_SIZE - c->in_count;
	c->input_wanted |= !room;
	pthread_mutex_unlock(&c->lock);
	return room;
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
	pthread_mutex_unlock(&c->lock);
}

static void input_read(struct console_backend *backend, uint8_t *bytes, unsigned len)
{
	struct console *c = console_of(backend);

	if (backend->escape_key)
		len = filter_escape(c, bytes, len);
	if (!len)
		return;
	keep_input(c, bytes, len);
	c->device->ops->input_ready(c->device);
}

static void output_ready(struct console_backend *backend)
{
	struct console *c = console_of(backend);

	c->device->ops->output_ready(c->device);
}

static bool all_drained(struct console *c)
{
	bool drained = true;

	for (unsigned i = 0; i < c->n_backends; i++)
		drained &= console_backend_drained(&c->backends[i]);
	return drained;
}

static void backend_drained(struct console_backend *backend)
{
	struct console *c = console_of(backend);

	if (c->draining && all_drained(c))
		event_loop_stop(c->loop);
}

static const struct console_backend_ops backend_ops = {
	.input_room = input_room,
	.input = input_read,
	.output_ready = output_ready,
	.drained = backend_drained,
};

static void await_wake(struct console *c)
{
	event_loop_read(c->loop, &c->wake, c->wake_fd, &c->wake_count, sizeof(c->wake_count));
}

/* The guest wrote a first byte, filled a buffer, or made room for input. */
static void wake_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, wake);

	(void)result;
	for (unsigned i = 0; i < c->n_backends; i++)
		console_backend_wake(&c->backends[i]);
	await_wake(c);
}

static void drain_timeout_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, drain_timeout);

	(void)result;
	c->drain_over = true;
	event_loop_stop(c->loop);
}

static void look_again(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, look);

	(void)result;
	c->look_queued = false;
	event_loop_stop(c->loop);
}

/* Nobody tells when a pseudo-terminal has been read. */
static void await_look(struct console *c)
{
	if (!c->look_queued)
		event_loop_delay(c->loop, &c->look, &c->look_pause);
	c->look_queued = true;
}

int console_init(struct console *console, const struct console_ops *ops,
		 struct console_device *device, struct event_loop *loop, struct console_tail *tail)
{
	console->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (console->wake_fd < 0)
		return -errno;
	console->ops = ops;
	console->device = device;
	console->loop = loop;
	console->tail = tail;
	pthread_mutex_init(&console->lock, NULL);
	console->wake.done = wake_done;
	console->drain_timeout.done = drain_timeout_done;
	console->drain_limit.tv_sec = 1;
	console->look.done = look_again;
	console->look_pause.tv_nsec = 10000000;
	return 0;
}

int console_open(struct console *console, const struct config_console *config, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < config->n && ret == 0; i++) {
		struct console_backend *b = &console->backends[console->n_backends++];

		ret = console_backend_open(b, &config->backends[i], &backend_ops, console->loop,
					   &console->lock, console->wake_fd, err);
		/* A monitor shares standard input with the console. */
		b->escape_key |= config->backends[i].kind == CONFIG_BACKEND_STDIO &&
				 console->ops->monitor_input;
	}
	return ret;
}

void console_attach(struct console *console, const struct config_backend *config, int in_fd,
		    int out_fd)
{
	console_backend_init(&console->backends[console->n_backends++], config, &backend_ops,
			     console->loop, &console->lock, console->wake_fd, in_fd, out_fd);
}

void console_fini(struct console *console)
{
	for (unsigned i = 0; i < console->n_backends; i++)
		console_backend_fini(&console->backends[i]);
	console->n_backends = 0;
	if (console->wake_fd > 0)
		close(console->wake_fd);
	console->wake_fd = 0;
}

void console_start(struct console *console)
{
	await_wake(console);
	for (unsigned i = 0; i < console->n_backends; i++)
		console_backend_await_input(&console->backends[i]);
}

unsigned console_list_files(const struct console *console, struct sandbox_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < console->n_backends; i++)
		n += control_socket_file(&console->backends[i].socket, &ret_files[n]);
	return n;
}

bool console_listens(const struct console *console)
{
	for (unsigned i = 0; i < console->n_backends; i++)
		if (console->backends[i].socket.fd > 0)
			return true;
	return false;
}

void console_drain(struct console *console)
{
	if (all_drained(console))
		return;
	console->draining = true;
	event_loop_delay(console->loop, &console->drain_timeout, &console->drain_limit);
	/* Others may stop the loop too. */
	while (!console->drain_over && !all_drained(console)) {
		await_look(console);
		if (event_loop_run(console->loop) < 0)
			break;
	}
	console->draining = false;
}

uint64_t console_report(struct console *console)
{
	uint64_t dropped = 0;

	for (unsigned i = 0; i < console->n_backends; i++)
		dropped += console_backend_report(&console->backends[i]);
	return dropped;
}
