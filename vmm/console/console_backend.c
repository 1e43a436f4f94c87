// SPDX-License-Identifier: Apache-2.0
/* Output: console_backend_put, begin_write, write_done. Input: await_input, input_done. */
#include "vmm/console/console_backend.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HANGUP_PAUSE_NS 100000000

/*
 * Output, under the lock.
 */

/* Writing an eventfd fails only at its maximum, and then the loop is awake anyway. */
static void wake_loop(const struct console_backend *b)
{
	eventfd_write(b->wake_fd, 1);
}

unsigned console_backend_room(const struct console_backend *b)
{
	return b->out_fd < 0 ? UINT32_MAX : console_output_room(&b->output);
}

/* The loop writes until there is nothing left. */
static void begin_output(struct console_backend *b)
{
	if (!b->output.count || b->writing)
		return;
	b->writing = true;
	wake_loop(b);
}

void console_backend_put(struct console_backend *b, const uint8_t *bytes, unsigned len)
{
	bool held = b->output.held;

	if (b->out_fd < 0)
		return;
	console_output_put(&b->output, bytes, len);
	begin_output(b);
	/* So that it becomes impatient. */
	if (b->output.held && !held)
		wake_loop(b);
}

/*
 * Output, on the loop's thread.
 */

/* Writes what is there, up to the ring's end; the guest may add behind it meanwhile. */
static void begin_write(struct console_backend *b)
{
	const uint8_t *bytes;
	unsigned len;

	pthread_mutex_lock(b->lock);
	bytes = console_output_next(&b->output, &len);
	b->writing = len > 0;
	pthread_mutex_unlock(b->lock);
	b->write_queued = len > 0;
	if (len)
		event_loop_write(b->loop, &b->write, b->out_fd, bytes, len);
	else
		b->ops->drained(b);
}

/* Under the lock: from now on the output goes nowhere, but the guest goes on. */
static void give_up_output(struct console_backend *b)
{
	b->out_fd = -1;
	b->writing = false;
	console_output_clear(&b->output);
}

static void leave_peer(struct console_backend *b);

static void write_done(struct event_op *op, int result)
{
	struct console_backend *b = container_of(op, struct console_backend, write);
	bool failed = result < 0 && result != -EINTR && result != -EAGAIN, ready = false;

	/* The descriptor is somebody else's too, and may have been made non-blocking. */
	if (result == -EAGAIN && b->out_fd >= 0) {
		event_loop_poll(b->loop, &b->writable, b->out_fd, POLLOUT);
		return;
	}
	if (failed && !b->peer_fd)
		log_warning("%s %s: console output ends: %s", b->config->option, b->config->given,
			    strerror(-result));
	pthread_mutex_lock(b->lock);
	if (failed) {
		ready = b->output.held;
		give_up_output(b);
	} else if (result > 0 && b->out_fd >= 0) {
		ready = console_output_take(&b->output, (unsigned)result);
	}
	pthread_mutex_unlock(b->lock);
	begin_write(b);
	if (ready)
		b->ops->output_ready(b);
	leave_peer(b);
}

static void writable_done(struct event_op *op, int result)
{
	struct console_backend *b = container_of(op, struct console_backend, writable);

	(void)result;
	begin_write(b);
	leave_peer(b);
}

static void await_patience(struct console_backend *b, uint64_t ns)
{
	b->patience_queued = true;
	b->patience_left = (struct __kernel_timespec){ .tv_nsec = (int64_t)ns };
	event_loop_delay(b->loop, &b->patience, &b->patience_left);
}

/* The timer may be that of an earlier wait, which ended in time. */
static void patience_done(struct event_op *op, int result)
{
	struct console_backend *b = container_of(op, struct console_backend, patience);
	uint64_t held_for;
	bool held;

	(void)result;
	b->patience_queued = false;
	pthread_mutex_lock(b->lock);
	held = b->output.held;
	held_for = clock_now_ns(CLOCK_MONOTONIC) - b->output.held_since;
	if (held && held_for >= CONSOLE_PATIENCE_NS)
		console_output_lose_patience(&b->output);
	pthread_mutex_unlock(b->lock);
	if (held && held_for < CONSOLE_PATIENCE_NS) {
		await_patience(b, CONSOLE_PATIENCE_NS - held_for);
	} else if (held) {
		if (!b->told_stuck)
			log_warning("%s %s: nobody takes the guest's output fast enough, some of "
				    "it is dropped",
				    b->config->option, b->config->given);
		b->told_stuck = true;
		b->ops->output_ready(b);
	}
}

void console_backend_wake(struct console_backend *b)
{
	bool begin, held;

	pthread_mutex_lock(b->lock);
	begin = b->writing && !b->write_queued;
	held = b->output.held && !b->patience_queued;
	pthread_mutex_unlock(b->lock);
	if (begin)
		begin_write(b);
	if (held)
		await_patience(b, CONSOLE_PATIENCE_NS);
	console_backend_await_input(b);
}

/* What nobody has read at a pseudo-terminal is lost with it, unlike what is in a pipe. */
static bool is_read(const struct console_backend *b)
{
	struct pollfd other_end = { .fd = b->owned_fds[1], .events = POLLIN };

	return other_end.fd <= 0 || ppoll(&other_end, 1, &(struct timespec){ 0 }, NULL) != 1;
}

bool console_backend_drained(struct console_backend *b)
{
	bool drained;

	pthread_mutex_lock(b->lock);
	if (b->out_fd >= 0 && !b->output.stuck) {
		console_output_tell_dropped(&b->output);
		begin_output(b);
	}
	drained = !b->writing;
	pthread_mutex_unlock(b->lock);
	if (!drained && !b->write_queued)
		begin_write(b);
	return drained && is_read(b);
}

uint64_t console_backend_report(struct console_backend *b)
{
	struct console_output *output = &b->output;

	output->dropped += output->count;
	output->count = 0;
	if (output->dropped)
		log_warning("%s %s: %" PRIu64 " bytes of the guest's output were dropped",
			    b->config->option, b->config->given, output->dropped);
	return output->dropped;
}

/*
 * Input.
 */

/* A file's or a pipe's bytes stay with whoever sends them while there is no room for them. */
void console_backend_await_input(struct console_backend *b)
{
	if (b->in_fd < 0 || b->input_polled || !b->ops->input_room(b))
		return;
	b->input_polled = true;
	event_loop_poll(b->loop, &b->input, b->in_fd, POLLIN);
}

/* Returns how many bytes there were, or 0: none, or no room. */
static unsigned read_input(struct console_backend *b)
{
	uint8_t bytes[256];
	unsigned room = b->ops->input_room(b);
	ssize_t n;

	if (!room)
		return 0;
	n = read(b->in_fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	/* The end of the input is no end of the guest: it just hears nothing any more. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		b->in_fd = -1;
	if (n > 0)
		b->ops->input(b, bytes, (unsigned)n);
	return n > 0 ? (unsigned)n : 0;
}

static void input_done(struct event_op *op, int result)
{
	struct console_backend *b = container_of(op, struct console_backend, input);

	b->input_polled = false;
	/* See event_loop_poll: nobody knows whether there is something, and a read might wait. */
	if (result >= 0 && b->in_fd >= 0)
		read_input(b);
	console_backend_await_input(b);
	leave_peer(b);
}

/*
 * Who is connected to a UNIX socket. Who says no more may still listen; only who has closed is
 * gone.
 */

/* Lets go of who is gone, once nothing refers to the descriptor, and waits for the next. */
static void leave_peer(struct console_backend *b)
{
	if (!b->peer_gone || b->write_queued || b->input_polled)
		return;
	close(b->peer_fd);
	b->peer_fd = 0;
	b->peer_gone = false;
	control_socket_resume(&b->socket);
}

static void hangup_done(struct event_op *op, int result)
{
	struct console_backend *b = container_of(op, struct console_backend, hangup);
	bool held;

	if (result == -ETIME) {
		event_loop_poll(b->loop, &b->hangup, b->peer_fd, 0);
		return;
	}
	/*
	 * It says no more, of which io_uring tells unasked, and at once whenever it is asked again:
	 * from now on somebody looks now and then whether it is gone.
	 */
	if (result >= 0 && !(result & (POLLHUP | POLLERR))) {
		event_loop_delay(b->loop, &b->hangup, &b->hangup_pause);
		return;
	}
	b->peer_gone = true;
	/* What it said last; but beyond what there is room for it cannot keep the next one out. */
	while (b->in_fd >= 0 && read_input(b) > 0)
		;
	b->in_fd = -1;
	pthread_mutex_lock(b->lock);
	held = b->output.held;
	give_up_output(b);
	pthread_mutex_unlock(b->lock);
	if (held)
		b->ops->output_ready(b);
	b->ops->drained(b);
	leave_peer(b);
}

/* Another one that connects waits until this one is gone. */
static void accepted(struct control_socket *socket, int fd)
{
	struct console_backend *b = container_of(socket, struct console_backend, socket);

	socket->held = true;
	b->peer_fd = fd;
	pthread_mutex_lock(b->lock);
	b->out_fd = fd;
	pthread_mutex_unlock(b->lock);
	b->in_fd = fd;
	event_loop_poll(b->loop, &b->hangup, fd, 0);
	console_backend_await_input(b);
}

const struct control_socket_ops console_backend_socket_ops = { .accepted = accepted };

void console_backend_init(struct console_backend *b, const struct config_backend *config,
			  const struct console_backend_ops *ops, struct event_loop *loop,
			  pthread_mutex_t *lock, int wake_fd, int in_fd, int out_fd)
{
	b->config = config;
	b->output.rate = config->rate;
	b->ops = ops;
	b->loop = loop;
	b->lock = lock;
	b->wake_fd = wake_fd;
	b->in_fd = in_fd;
	b->out_fd = out_fd;
	b->write.done = write_done;
	b->writable.done = writable_done;
	b->input.done = input_done;
	b->hangup.done = hangup_done;
	b->hangup_pause.tv_nsec = HANGUP_PAUSE_NS;
	b->patience.done = patience_done;
}

void console_backend_fini(struct console_backend *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (b->owned_fds[i] > 0)
			close(b->owned_fds[i]);
	if (b->peer_fd > 0)
		close(b->peer_fd);
	control_socket_fini(&b->socket);
	b->owned_fds[0] = b->owned_fds[1] = b->peer_fd = 0;
}
