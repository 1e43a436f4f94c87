// SPDX-License-Identifier: Apache-2.0
/* Output: console_backend_put, begin_write, write_done. Input: await_input, input_done. */
#include "vmm/console_backend.h"

#include "vmm/clock.h"
#include "vmm/container_of.h"
#include "vmm/file_argument.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
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
	if (b->out_fd < 0 || b->stuck)
		return UINT32_MAX;
	return b->held ? 0 : CONSOLE_BUFFER_SIZE - b->out_count;
}

static void hold(struct console_backend *b)
{
	b->held = true;
	b->held_since = clock_now_ns(CLOCK_MONOTONIC);
	wake_loop(b);
}

/* Returns how many bytes there was room for. */
static unsigned fill(struct console_backend *b, const uint8_t *bytes, unsigned len)
{
	unsigned room = CONSOLE_BUFFER_SIZE - b->out_count;

	if (len > room)
		len = room;
	for (unsigned done = 0; done < len;) {
		unsigned end = (b->out_start + b->out_count) % CONSOLE_BUFFER_SIZE, n = len - done;

		if (n > CONSOLE_BUFFER_SIZE - end)
			n = CONSOLE_BUFFER_SIZE - end;
		memcpy(b->out + end, bytes + done, n);
		b->out_count += n;
		done += n;
	}
	if (len && !b->writing) {
		b->writing = true;
		wake_loop(b);
	}
	return len;
}

static void tell_dropped(struct console_backend *b)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "\n[%" PRIu64 " bytes dropped]\n", b->untold);

	if (!b->untold || (unsigned)len > CONSOLE_BUFFER_SIZE - b->out_count)
		return;
	b->untold = 0;
	fill(b, (const uint8_t *)line, (unsigned)len);
}

/* What of @len bytes @rate allows now. */
static unsigned allowed(struct console_backend *b, unsigned len)
{
	uint64_t now;

	if (!b->config->rate)
		return len;
	now = clock_now_ns(CLOCK_MONOTONIC);
	if (now - b->second >= NS_PER_S) {
		b->second = now;
		b->in_second = 0;
	}
	if (len > b->config->rate - b->in_second)
		len = (unsigned)(b->config->rate - b->in_second);
	b->in_second += len;
	return len;
}

void console_backend_put(struct console_backend *b, const uint8_t *bytes, unsigned len)
{
	unsigned n = 0;

	if (b->out_fd < 0)
		return;
	if (!b->stuck)
		n = allowed(b, len);
	if (n) {
		tell_dropped(b);
		n = fill(b, bytes, n);
	}
	b->dropped += len - n;
	b->untold += len - n;
	if (b->out_count == CONSOLE_BUFFER_SIZE && !b->held && !b->stuck)
		hold(b);
}

/*
 * Output, on the loop's thread.
 */

/* Writes what is there, up to the ring's end; the guest may add behind it meanwhile. */
static void begin_write(struct console_backend *b)
{
	unsigned len;

	pthread_mutex_lock(b->lock);
	len = CONSOLE_BUFFER_SIZE - b->out_start;
	if (len > b->out_count)
		len = b->out_count;
	b->writing = len > 0;
	pthread_mutex_unlock(b->lock);
	b->write_queued = len > 0;
	if (len)
		event_loop_write(b->loop, &b->write, b->out_fd, b->out + b->out_start, len);
	else
		b->ops->drained(b);
}

/* Under the lock: from now on the output goes nowhere, but the guest goes on. */
static void give_up_output(struct console_backend *b)
{
	b->out_fd = -1;
	b->out_start = b->out_count = 0;
	b->writing = b->held = b->stuck = false;
	b->untold = 0;
}

/* Under the lock; returns whether the guest may go on. */
static bool take_out(struct console_backend *b, unsigned n)
{
	b->out_count -= n;
	b->out_start = b->out_count ? (b->out_start + n) % CONSOLE_BUFFER_SIZE : 0;
	if (b->stuck && b->out_count == 0) {
		b->stuck = false;
		tell_dropped(b);
	}
	if (!b->held || b->out_count > CONSOLE_BUFFER_SIZE / 2)
		return false;
	b->held = false;
	return true;
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
		ready = b->held;
		give_up_output(b);
	} else if (result > 0 && b->out_fd >= 0) {
		ready = take_out(b, (unsigned)result);
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
	held = b->held;
	held_for = clock_now_ns(CLOCK_MONOTONIC) - b->held_since;
	if (held && held_for >= CONSOLE_PATIENCE_NS) {
		b->held = false;
		b->stuck = true;
	}
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
	held = b->held && !b->patience_queued;
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

	return other_end.fd <= 0 || poll(&other_end, 1, 0) != 1;
}

bool console_backend_drained(struct console_backend *b)
{
	bool drained;

	pthread_mutex_lock(b->lock);
	if (b->out_fd >= 0 && !b->stuck)
		tell_dropped(b);
	drained = !b->writing;
	pthread_mutex_unlock(b->lock);
	if (!drained && !b->write_queued)
		begin_write(b);
	return drained && is_read(b);
}

uint64_t console_backend_report(struct console_backend *b)
{
	b->dropped += b->out_count;
	b->out_count = 0;
	if (b->dropped)
		log_warning("%s %s: %" PRIu64 " bytes of the guest's output were dropped",
			    b->config->option, b->config->given, b->dropped);
	return b->dropped;
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

	(void)result;
	b->input_polled = false;
	if (b->in_fd >= 0)
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
	held = b->held;
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

static const struct control_socket_ops socket_ops = { .accepted = accepted };

/*
 * How each kind is opened.
 */

static int open_stdio(struct console_backend *b, struct error *err)
{
	(void)err;
	b->in_fd = STDIN_FILENO;
	b->out_fd = STDOUT_FILENO;
	b->escape_key = isatty(STDIN_FILENO);
	return 0;
}

/*
 * Nobody waits for the reader of a FIFO: with both its ends open it takes output before he comes
 * and after he has gone. What several places put into one file is all in it, behind each other.
 */
static int how_to_open(const char *path)
{
	struct stat st;
	bool fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);

	return fifo ? O_RDWR : O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
}

static int open_file(struct console_backend *b, struct error *err)
{
	b->out_fd = open(b->config->path, how_to_open(b->config->path) | O_CLOEXEC, 0666);
	if (b->out_fd < 0)
		return error_set(err, errno, "%s file=%s: cannot open for writing: %s",
				 b->config->option, b->config->path, strerror(errno));
	b->owned_fds[0] = b->out_fd;
	return 0;
}

static int open_unix(struct console_backend *b, struct error *err)
{
	struct error reason = { 0 };
	int ret = control_socket_listen(&b->socket, &socket_ops, b->loop, b->config->path, &reason);

	return ret < 0 ? error_set(err, -ret, "%s unix:%s", b->config->option, reason.text) : 0;
}

/*
 * The other end is kept open, so that programs can come and go there without anybody noticing. It
 * is raw from the start, or it would echo what the guest writes back to it.
 */
static int open_pty(struct console_backend *b, struct error *err)
{
	struct termios raw = { .c_cflag = CS8 | CREAD | B38400 };
	char name[64] = "";
	int fds[2];

	cfmakeraw(&raw);
	if (openpty(&fds[0], &fds[1], name, &raw, NULL) < 0)
		return error_set(err, errno, "%s pty: cannot open a pseudo-terminal: %s",
				 b->config->option, strerror(errno));
	memcpy(b->owned_fds, fds, sizeof(fds));
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* A write to a terminal would block, not wait as a pipe's does, and hold a thread. */
	fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK);
	b->in_fd = b->out_fd = fds[0];
	log_warning("%s pty: the console is at %s", b->config->option, name);
	return 0;
}

/* A regular file's bytes are no input where it was opened to be written. */
static int open_fd(struct console_backend *b, struct error *err)
{
	int flags = fcntl(atoi(b->config->path + strlen("fd:")), F_GETFL);
	int access = flags < 0 ? O_RDWR : flags & O_ACCMODE, listens = 0, fd;
	socklen_t len = sizeof(listens);
	struct stat st;

	fd = file_argument_take(b->config->option, b->config->path, access, err);
	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens) {
		control_socket_adopt(&b->socket, &socket_ops, b->loop, fd);
		return 0;
	}
	b->owned_fds[0] = fd;
	if (access != O_RDONLY)
		b->out_fd = fd;
	if (access == O_RDONLY || (access == O_RDWR && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
		b->in_fd = fd;
	return 0;
}

void console_backend_init(struct console_backend *b, const struct config_backend *config,
			  const struct console_backend_ops *ops, struct event_loop *loop,
			  pthread_mutex_t *lock, int wake_fd, int in_fd, int out_fd)
{
	b->config = config;
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

int console_backend_open(struct console_backend *b, const struct config_backend *config,
			 const struct console_backend_ops *ops, struct event_loop *loop,
			 pthread_mutex_t *lock, int wake_fd, struct error *err)
{
	static int (*const open_kind[])(struct console_backend *, struct error *) = {
		[CONFIG_BACKEND_STDIO] = open_stdio, [CONFIG_BACKEND_FILE] = open_file,
		[CONFIG_BACKEND_UNIX] = open_unix,   [CONFIG_BACKEND_PTY] = open_pty,
		[CONFIG_BACKEND_FD] = open_fd,
	};

	console_backend_init(b, config, ops, loop, lock, wake_fd, -1, -1);
	return open_kind[config->kind](b, err);
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
