// SPDX-License-Identifier: Apache-2.0
/* Output: console_sink_put, begin_write, write_done. Input: await_input, input_done. */
#include "vmm/console/console_sink.h"

#include "vmm/base/container_of.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HANGUP_PAUSE_NS (100 * NS_PER_MS)
/* Of what is printed above the monitor's line at a time. */
#define PRINT_MAX 4096

/*
 * Output, under the lock.
 */

/* Writing to an eventfd fails only at its maximum, and then the loop is awake anyway. */
static void wake_loop(const struct console_sink *sink)
{
	eventfd_write(sink->wake_fd, 1);
}

unsigned console_sink_room(const struct console_sink *sink)
{
	return sink->out_fd < 0 ? UINT32_MAX : console_output_room(&sink->output);
}

/* Makes the loop write until there is nothing left. */
static void begin_output(struct console_sink *sink)
{
	if (!ring_count(&sink->output.ring) || sink->writing)
		return;
	sink->writing = true;
	wake_loop(sink);
}

void console_sink_put(struct console_sink *sink, const uint8_t *bytes, unsigned len)
{
	bool held = sink->output.held;

	if (sink->out_fd < 0)
		return;
	console_output_put(&sink->output, bytes, len);
	begin_output(sink);
	/* Makes the loop start the time after which the guest is not held any more. */
	if (sink->output.held && !held)
		wake_loop(sink);
}

/*
 * Output, on the loop's thread.
 */

/*
 * How many of the @n oldest bytes are whole lines. The rest waits for its end, unless it is long,
 * or the guest waits for room.
 */
static unsigned whole_lines(const struct console_output *output, const uint8_t *bytes, unsigned n)
{
	unsigned len = n;

	while (len && bytes[len - 1] != '\n')
		len--;
	return len || (n < PRINT_MAX && !output->held && !output->stuck) ? len : n;
}

/* The ring's copy is emptied, so that the bytes stay until they are printed. False: they cannot. */
static bool begin_print(struct console_sink *sink, unsigned max)
{
	uint8_t bytes[PRINT_MAX];
	struct ring ring;
	unsigned len;

	pthread_mutex_lock(sink->lock);
	ring = sink->output.ring;
	len = ring_take(&ring, sink->output.bytes, CONSOLE_BUFFER_SIZE, bytes, max);
	len = whole_lines(&sink->output, bytes, len);
	sink->writing = len > 0;
	pthread_mutex_unlock(sink->lock);
	sink->write_queued = len > 0;
	sink->printing = len;
	if (!len || sink->ops->print_lines(sink, bytes, len))
		return true;
	sink->printing = 0;
	return false;
}

/* Writes up to the ring's end; the guest may add bytes behind that meanwhile. */
static void begin_write(struct console_sink *sink)
{
	enum console_sink_way way;
	const uint8_t *bytes;
	unsigned len;

	way = sink->ops->way ? sink->ops->way(sink) : CONSOLE_SINK_DIRECT;
	if (sink->out_fd >= 0 && way != CONSOLE_SINK_DIRECT &&
	    begin_print(sink, way == CONSOLE_SINK_WAIT ? 0 : PRINT_MAX))
		return;
	pthread_mutex_lock(sink->lock);
	bytes = console_output_next(&sink->output, &len);
	sink->writing = len > 0;
	pthread_mutex_unlock(sink->lock);
	sink->write_queued = len > 0;
	if (len)
		event_loop_write(sink->loop, &sink->write, sink->out_fd, bytes, len);
	else
		sink->ops->drained(sink);
}

/* Under the lock: discards the output from now on, so that the guest goes on. */
static void give_up_output(struct console_sink *sink)
{
	sink->out_fd = -1;
	sink->writing = false;
	console_output_clear(&sink->output);
}

/* Tells the device that the guest need not wait any more. */
static void stop_holding(struct console_sink *sink)
{
	event_loop_cancel(sink->loop, &sink->patience);
	sink->ops->output_ready(sink);
}

static void leave_peer(struct console_sink *sink);

static void write_done(struct event_op *op, int result)
{
	struct console_sink *sink = container_of(op, struct console_sink, write);
	bool failed = result < 0 && result != -EINTR && result != -EAGAIN, ready = false;

	/* The descriptor is shared, and another process may have made it non-blocking. */
	if (result == -EAGAIN && sink->out_fd >= 0) {
		event_loop_poll(sink->loop, &sink->writable, sink->out_fd, POLLOUT);
		return;
	}
	if (failed && !sink->peer_fd)
		log_warning(
			"%s %s: cannot write the guest's output: %s; no more will be written there",
			sink->config->option, sink->config->given, strerror(-result));
	pthread_mutex_lock(sink->lock);
	if (failed) {
		ready = sink->output.held;
		give_up_output(sink);
	} else if (result > 0 && sink->out_fd >= 0) {
		ready = console_output_take(&sink->output, (unsigned)result);
	}
	pthread_mutex_unlock(sink->lock);
	begin_write(sink);
	if (ready)
		stop_holding(sink);
	leave_peer(sink);
}

void console_sink_printed(struct console_sink *sink)
{
	unsigned len = sink->printing;

	sink->printing = 0;
	if (len)
		write_done(&sink->write, (int)len);
}

void console_sink_go_on(struct console_sink *sink)
{
	pthread_mutex_lock(sink->lock);
	if (sink->out_fd >= 0)
		begin_output(sink);
	pthread_mutex_unlock(sink->lock);
}

static void writable_done(struct event_op *op, int result)
{
	struct console_sink *sink = container_of(op, struct console_sink, writable);

	begin_write(sink);
	leave_peer(sink);
}

static void lose_patience(struct event_timer *timer)
{
	struct console_sink *sink = container_of(timer, struct console_sink, patience);

	pthread_mutex_lock(sink->lock);
	console_output_lose_patience(&sink->output);
	pthread_mutex_unlock(sink->lock);
	if (!sink->logged_stuck)
		log_warning(
			"%s %s: the reader is too slow for the guest's output; some of it is dropped",
			sink->config->option, sink->config->given);
	sink->logged_stuck = true;
	sink->ops->output_ready(sink);
}

void console_sink_wake(struct console_sink *sink)
{
	bool begin, held;

	pthread_mutex_lock(sink->lock);
	begin = sink->writing && !sink->write_queued;
	held = sink->output.held;
	pthread_mutex_unlock(sink->lock);
	if (begin)
		begin_write(sink);
	if (held && !event_loop_armed(&sink->patience))
		event_loop_arm(sink->loop, &sink->patience, CONSOLE_PATIENCE_NS);
	console_sink_await_input(sink);
}

/* Output that nobody has read is lost with a pseudo-terminal, but not with a pipe. */
static bool is_read(const struct console_sink *sink)
{
	struct pollfd other_end = { .fd = sink->owned_fds[1], .events = POLLIN };

	return other_end.fd <= 0 || ppoll(&other_end, 1, &(struct timespec){ 0 }, NULL) != 1;
}

bool console_sink_drained(struct console_sink *sink)
{
	bool drained;

	pthread_mutex_lock(sink->lock);
	if (sink->out_fd >= 0 && !sink->output.stuck) {
		console_output_report_dropped(&sink->output);
		begin_output(sink);
	}
	drained = !sink->writing;
	pthread_mutex_unlock(sink->lock);
	if (!drained && !sink->write_queued)
		begin_write(sink);
	return drained && is_read(sink);
}

uint64_t console_sink_report(struct console_sink *sink)
{
	struct console_output *output = &sink->output;

	output->dropped += ring_count(&output->ring);
	output->ring = (struct ring){ 0 };
	if (output->dropped)
		log_warning("%s %s: %" PRIu64 " bytes of the guest's output were dropped",
			    sink->config->option, sink->config->given, output->dropped);
	return output->dropped;
}

/*
 * Input.
 */

/* While there is no room for input, it stays in the file or pipe. */
void console_sink_await_input(struct console_sink *sink)
{
	if (sink->in_fd < 0 || sink->input_polled || !sink->ops->input_room(sink))
		return;
	sink->input_polled = true;
	event_loop_poll(sink->loop, &sink->input, sink->in_fd, POLLIN);
}

/* Returns how many bytes it read; 0: none, or there is no room. */
static unsigned read_input(struct console_sink *sink)
{
	uint8_t bytes[256];
	unsigned room = sink->ops->input_room(sink);
	ssize_t n;

	if (!room)
		return 0;
	n = read(sink->in_fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	/* At the end of the input the guest goes on without input. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		sink->in_fd = -1;
	if (n > 0)
		sink->ops->input(sink, bytes, (unsigned)n);
	return n > 0 ? (unsigned)n : 0;
}

static void input_done(struct event_op *op, int result)
{
	struct console_sink *sink = container_of(op, struct console_sink, input);

	sink->input_polled = false;
	/* See event_loop_poll: there may be no input, and a blocking read would wait. */
	if (result >= 0 && sink->in_fd >= 0)
		read_input(sink);
	console_sink_await_input(sink);
	leave_peer(sink);
}

/*
 * The client of a UNIX socket. After it shut down its sending side it may still read; it is gone
 * when it has closed the socket.
 */

/* Closes a client that is gone, once no operation uses it, and accepts the next one. */
static void leave_peer(struct console_sink *sink)
{
	if (!sink->peer_gone || sink->write_queued || sink->input_polled)
		return;
	close(sink->peer_fd);
	sink->peer_fd = 0;
	sink->peer_gone = false;
	listener_resume(&sink->listener);
}

static void poll_for_hangup(struct event_timer *timer)
{
	struct console_sink *sink = container_of(timer, struct console_sink, hangup_poll);

	event_loop_poll(sink->loop, &sink->hangup, sink->peer_fd, 0);
}

static void hangup_done(struct event_op *op, int result)
{
	struct console_sink *sink = container_of(op, struct console_sink, hangup);
	bool held;

	/*
	 * The client sends no more. io_uring reports that although it was not asked for, and would
	 * again at once, so a timer polls now and then whether the client is gone.
	 */
	if (result >= 0 && !(result & (POLLHUP | POLLERR))) {
		event_loop_arm(sink->loop, &sink->hangup_poll, HANGUP_PAUSE_NS);
		return;
	}
	sink->peer_gone = true;
	/* Reads its last input; what does not fit is lost. */
	while (sink->in_fd >= 0 && read_input(sink) > 0)
		;
	sink->in_fd = -1;
	pthread_mutex_lock(sink->lock);
	held = sink->output.held;
	give_up_output(sink);
	pthread_mutex_unlock(sink->lock);
	if (held)
		stop_holding(sink);
	sink->ops->drained(sink);
	leave_peer(sink);
}

/* The next client waits until this one is gone. */
static void accepted(struct listener *listener, int fd)
{
	struct console_sink *sink = container_of(listener, struct console_sink, listener);

	listener->held = true;
	sink->peer_fd = fd;
	pthread_mutex_lock(sink->lock);
	sink->out_fd = fd;
	pthread_mutex_unlock(sink->lock);
	sink->in_fd = fd;
	event_loop_poll(sink->loop, &sink->hangup, fd, 0);
	console_sink_await_input(sink);
}

const struct listener_ops console_sink_socket_ops = { .accepted = accepted };

void console_sink_init(struct console_sink *sink, const struct config_sink *config,
		       const struct console_sink_ops *ops, struct event_loop *loop,
		       pthread_mutex_t *lock, int wake_fd, int in_fd, int out_fd)
{
	sink->config = config;
	sink->output.rate = config->rate;
	sink->ops = ops;
	sink->loop = loop;
	sink->lock = lock;
	sink->wake_fd = wake_fd;
	sink->in_fd = in_fd;
	sink->out_fd = out_fd;
	sink->write.done = write_done;
	sink->writable.done = writable_done;
	sink->input.done = input_done;
	sink->hangup.done = hangup_done;
	sink->hangup_poll.due = poll_for_hangup;
	sink->patience.due = lose_patience;
}

void console_sink_fini(struct console_sink *sink)
{
	event_loop_cancel(sink->loop, &sink->patience);
	event_loop_cancel(sink->loop, &sink->hangup_poll);
	for (unsigned i = 0; i < 2; i++)
		if (sink->owned_fds[i] > 0)
			close(sink->owned_fds[i]);
	if (sink->peer_fd > 0)
		close(sink->peer_fd);
	listener_fini(&sink->listener);
	sink->owned_fds[0] = sink->owned_fds[1] = sink->peer_fd = 0;
}
