// SPDX-License-Identifier: Apache-2.0
/* Carries bytes between a guest's device and the sinks: console_write, input_read, console_take. */
#include "vmm/console/console.h"

#include "vmm/base/container_of.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ESCAPE_KEY 0x01 /* Ctrl-A */
#define RETRY_PAUSE_NS (10 * NS_PER_MS)

/* The sinks of a console share its eventfd; this finds the console. */
static struct console *console_of(struct console_sink *sink)
{
	return container_of(sink->lock, struct console, lock);
}

unsigned console_write(struct console *c, const uint8_t *bytes, unsigned len)
{
	unsigned room = UINT32_MAX;

	if (len)
		console_tail_add(c->tail, bytes, len);
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < c->n_sinks; i++) {
		unsigned has;

		console_sink_put(&c->sinks[i], bytes, len);
		has = console_sink_room(&c->sinks[i]);
		room = has < room ? has : room;
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}

unsigned console_take(struct console *c, uint8_t *bytes, unsigned max)
{
	unsigned n;
	bool wanted;

	pthread_mutex_lock(&c->lock);
	n = ring_take(&c->input, c->in, CONSOLE_INPUT_SIZE, bytes, max);
	wanted = n && c->input_wanted;
	if (wanted)
		c->input_wanted = false;
	pthread_mutex_unlock(&c->lock);
	if (wanted)
		eventfd_write(c->wake_fd, 1);
	return n;
}

/* Keys are always read, because one may be for mvmm even if the guest reads none. */
static unsigned input_room(struct console_sink *sink)
{
	struct console *c = console_of(sink);
	unsigned room;

	if (sink->escape_key)
		return CONSOLE_INPUT_SIZE;
	pthread_mutex_lock(&c->lock);
	room = ring_count(&c->input);
	room = room < CONSOLE_INPUT_AHEAD ? CONSOLE_INPUT_AHEAD - room : 0;
	c->input_wanted |= !room;
	pthread_mutex_unlock(&c->lock);
	return room;
}

static void go_on(struct console *c)
{
	for (unsigned i = 0; i < c->n_sinks; i++)
		console_sink_go_on(&c->sinks[i]);
}

static void switch_monitor(struct console *c)
{
	if (!c->ops->monitor_input)
		return;
	if (c->to_monitor) {
		console_leave_monitor(c);
		return;
	}
	c->to_monitor = true;
	c->ops->monitor_begins(c);
}

/* What was held back, because its line has no end, is written now. */
void console_leave_monitor(struct console *c)
{
	if (!c->to_monitor)
		return;
	c->to_monitor = false;
	c->leaving = c->ops->monitor_edits(c);
	if (c->leaving)
		c->ops->monitor_ends(c);
	else
		go_on(c);
}

static enum console_sink_way way_of(struct console_sink *sink)
{
	struct console *c = console_of(sink);

	if (sink->config->kind != CONFIG_SINK_STDIO || (!c->to_monitor && !c->leaving))
		return CONSOLE_SINK_DIRECT;
	if (c->leaving)
		return CONSOLE_SINK_WAIT;
	return c->ops->monitor_edits(c) ? CONSOLE_SINK_LINES : CONSOLE_SINK_DIRECT;
}

static bool print_lines(struct console_sink *sink, const uint8_t *bytes, unsigned len)
{
	struct console *c = console_of(sink);

	return c->ops->monitor_print(c, bytes, len);
}

void console_printed(struct console *c)
{
	bool left = c->leaving;

	c->leaving = false;
	for (unsigned i = 0; i < c->n_sinks; i++)
		console_sink_printed(&c->sinks[i]);
	if (left)
		go_on(c);
}

/* Says on the terminal of @sink which keys are for mvmm; what has no room is left out. */
static void show_keys(struct console *c, struct console_sink *sink)
{
	static const char keys[] = "\nCtrl-A H  this help\n"
				   "Ctrl-A X  end mvmm\n"
				   "Ctrl-A Ctrl-A  send Ctrl-A to the guest\n";
	static const char monitor[] = "Ctrl-A C  switch between console and monitor\n";

	pthread_mutex_lock(&c->lock);
	console_sink_put(sink, (const uint8_t *)keys, sizeof(keys) - 1);
	if (c->ops->monitor_input)
		console_sink_put(sink, (const uint8_t *)monitor, sizeof(monitor) - 1);
	pthread_mutex_unlock(&c->lock);
}

/* Removes mvmm's own keys from @bytes; returns how many bytes are left. */
static unsigned filter_escape(struct console *c, struct console_sink *sink, uint8_t *bytes,
			      unsigned len)
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
		else if (c->escape_pressed && (byte == 'h' || byte == 'H'))
			show_keys(c, sink);
		else if (c->escape_pressed && byte != ESCAPE_KEY)
			; /* an unknown sequence is discarded */
		else if (c->to_monitor)
			c->ops->monitor_input(c, &byte, 1);
		else
			bytes[kept++] = byte;
		c->escape_pressed = false;
	}
	return kept;
}

/* Keys beyond the buffer are dropped, as on a terminal that nobody reads. */
static void keep_input(struct console *c, const struct console_sink *sink, const uint8_t *bytes,
		       unsigned len)
{
	bool first = !c->input_dropped;

	pthread_mutex_lock(&c->lock);
	c->input_dropped += len - ring_put(&c->input, c->in, CONSOLE_INPUT_SIZE, bytes, len);
	pthread_mutex_unlock(&c->lock);
	if (first && c->input_dropped)
		log_warning(
			"%s %s: 1 MiB of what was typed waits for the guest to read it; what is "
			"typed meanwhile is dropped",
			sink->config->option, sink->config->given);
}

static void input_read(struct console_sink *sink, uint8_t *bytes, unsigned len)
{
	struct console *c = console_of(sink);

	if (sink->escape_key)
		len = filter_escape(c, sink, bytes, len);
	if (!len)
		return;
	keep_input(c, sink, bytes, len);
	c->device->ops->input_ready(c->device);
}

static void output_ready(struct console_sink *sink)
{
	struct console *c = console_of(sink);

	c->device->ops->output_ready(c->device);
}

static bool all_drained(struct console *c)
{
	bool drained = true;

	for (unsigned i = 0; i < c->n_sinks; i++)
		drained &= console_sink_drained(&c->sinks[i]);
	return drained;
}

static void sink_drained(struct console_sink *sink)
{
	struct console *c = console_of(sink);

	if (c->draining && all_drained(c))
		event_loop_stop(c->loop);
}

static const struct console_sink_ops sink_ops = {
	.input_room = input_room,
	.input = input_read,
	.output_ready = output_ready,
	.drained = sink_drained,
	.way = way_of,
	.print_lines = print_lines,
};

static void await_wake(struct console *c)
{
	event_loop_read(c->loop, &c->wake, c->wake_fd, &c->wake_count, sizeof(c->wake_count));
}

/* The guest wrote a first byte, filled a buffer, or made room for input. */
static void wake_done(struct event_op *op, int result)
{
	struct console *c = container_of(op, struct console, wake);

	for (unsigned i = 0; i < c->n_sinks; i++)
		console_sink_wake(&c->sinks[i]);
	await_wake(c);
}

static void drain_timed_out(struct event_timer *timer)
{
	event_loop_stop(container_of(timer, struct console, drain_timeout)->loop);
}

static void retry_timed_out(struct event_timer *timer)
{
	event_loop_stop(container_of(timer, struct console, retry)->loop);
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
	console->drain_timeout.due = drain_timed_out;
	console->drain_ns = NS_PER_S;
	console->retry.due = retry_timed_out;
	return 0;
}

int console_open(struct console *console, const struct config_console *config, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < config->n && ret == 0; i++) {
		struct console_sink *b = &console->sinks[console->n_sinks++];

		ret = console_sink_open(b, &config->sinks[i], &sink_ops, console->loop,
					&console->lock, console->wake_fd, err);
		/* A monitor shares standard input with the console. */
		b->escape_key |=
			config->sinks[i].kind == CONFIG_SINK_STDIO && console->ops->monitor_input;
	}
	return ret;
}

void console_attach(struct console *console, const struct config_sink *config, int in_fd,
		    int out_fd)
{
	console_sink_init(&console->sinks[console->n_sinks++], config, &sink_ops, console->loop,
			  &console->lock, console->wake_fd, in_fd, out_fd);
}

void console_fini(struct console *console)
{
	for (unsigned i = 0; i < console->n_sinks; i++)
		console_sink_fini(&console->sinks[i]);
	console->n_sinks = 0;
	if (console->wake_fd > 0)
		close(console->wake_fd);
	console->wake_fd = 0;
}

void console_start(struct console *console)
{
	await_wake(console);
	for (unsigned i = 0; i < console->n_sinks; i++)
		console_sink_await_input(&console->sinks[i]);
}

unsigned console_list_files(const struct console *console, struct kept_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < console->n_sinks; i++)
		n += listener_file(&console->sinks[i].listener, &ret_files[n]);
	return n;
}

bool console_listens(const struct console *console)
{
	for (unsigned i = 0; i < console->n_sinks; i++)
		if (console->sinks[i].listener.fd > 0)
			return true;
	return false;
}

void console_drain(struct console *console)
{
	if (all_drained(console))
		return;
	console->draining = true;
	event_loop_arm(console->loop, &console->drain_timeout, console->drain_ns);
	/* The loop may also be stopped by others. */
	while (event_loop_armed(&console->drain_timeout) && !all_drained(console)) {
		/* Nothing reports when a pseudo-terminal has been read. */
		if (!event_loop_armed(&console->retry))
			event_loop_arm(console->loop, &console->retry, RETRY_PAUSE_NS);
		if (event_loop_run(console->loop) < 0)
			break;
	}
	event_loop_cancel(console->loop, &console->drain_timeout);
	event_loop_cancel(console->loop, &console->retry);
	console->draining = false;
}

uint64_t console_report(struct console *console)
{
	uint64_t dropped = 0;

	for (unsigned i = 0; i < console->n_sinks; i++)
		dropped += console_sink_report(&console->sinks[i]);
	if (console->input_dropped)
		log_warning("console: %" PRIu64 " bytes of what was typed were dropped",
			    console->input_dropped);
	return dropped;
}
