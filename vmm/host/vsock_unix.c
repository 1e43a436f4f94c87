// SPDX-License-Identifier: Apache-2.0
/*
 * UNIX sockets for virtio-vsock. Connections from the host begin at accepted and then greet, those
 * from the guest at connect_out. stream_ops carries the data of both.
 */
#include "vmm/host/vsock_unix.h"

#include "vmm/base/container_of.h"
#include "vmm/base/keyval.h"
#include "vmm/base/parent_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct vsock_unix_channel *channel_of(struct vsock_stream *stream)
{
	return container_of(stream, struct vsock_unix_channel, stream);
}

static void end_greeting(struct vsock_unix_channel *ch)
{
	if (!ch->greeting)
		return;
	ch->greeting = false;
	ch->side->n_clients--;
	event_loop_cancel(ch->side->loop, &ch->patience);
}

/* Frees the channel at once, or when its polls, which the shutdown ends, have completed. */
static void close_channel(struct vsock_unix_channel *ch)
{
	end_greeting(ch);
	if (!ch->polling) {
		close(ch->fd);
		ch->fd = 0;
	} else if (!ch->closed) {
		shutdown(ch->fd, SHUT_RDWR);
	}
	ch->closed = true;
}

static void await(struct vsock_unix_channel *ch, struct event_op *op, unsigned event,
		  unsigned events)
{
	if (ch->polling & event)
		return;
	ch->polling |= event;
	event_loop_poll(ch->side->loop, op, ch->fd, events);
}

static void stream_accepted(struct vsock_stream *stream, uint32_t port)
{
	struct vsock_unix_channel *ch = channel_of(stream);
	char line[32];
	int len = snprintf(line, sizeof(line), "OK %" PRIu32 "\n", port);

	/* The first line on a socket has room. A peer that is gone is found later. */
	(void)!write(ch->fd, line, (size_t)len);
}

static int stream_read(struct vsock_stream *stream, void *buf, uint32_t len)
{
	ssize_t n = read(channel_of(stream)->fd, buf, len);

	return n < 0 ? -errno : (int)n;
}

static int stream_write(struct vsock_stream *stream, const void *buf, uint32_t len)
{
	ssize_t n = write(channel_of(stream)->fd, buf, len);

	return n < 0 ? -errno : (int)n;
}

static void stream_await(struct vsock_stream *stream, unsigned event)
{
	struct vsock_unix_channel *ch = channel_of(stream);

	if (event == VSOCK_READABLE)
		await(ch, &ch->readable, event, POLLIN);
	else
		await(ch, &ch->writable, event, POLLOUT);
}

static void stream_shutdown(struct vsock_stream *stream, unsigned flag)
{
	shutdown(channel_of(stream)->fd, flag == VIRTIO_VSOCK_SHUTDOWN_SEND ? SHUT_WR : SHUT_RD);
}

static void stream_close(struct vsock_stream *stream)
{
	close_channel(channel_of(stream));
}

static const struct vsock_stream_ops stream_ops = {
	.accepted = stream_accepted,
	.read = stream_read,
	.write = stream_write,
	.await = stream_await,
	.shutdown = stream_shutdown,
	.close = stream_close,
};

/* The port in a whole line, or -EINVAL. */
static int parse_line(const char *line, uint32_t *ret_port)
{
	uint64_t port;

	if (strncmp(line, "CONNECT ", 8) != 0 || keyval_number(line + 8, &port) < 0 ||
	    port > UINT32_MAX)
		return -EINVAL;
	*ret_port = (uint32_t)port;
	return 0;
}

/* Clients that wait for the guest connect again and again: only the first is told of. */
static void refuse(struct vsock_unix *side, int error)
{
	if (error == -ENOTCONN && side->logged_no_driver)
		return;
	side->logged_no_driver |= error == -ENOTCONN;
	log_guest(&side->limit, "--vsock: disconnected a client: %s",
		  error == -EINVAL     ? "its first line is not 'CONNECT PORT'"
		  : error == -ENOTCONN ? "the guest has no driver yet; the next ones are "
					 "disconnected without a message"
				       : "too many connections are open");
}

static void connect_in(struct vsock_unix_channel *ch)
{
	struct vsock_unix *side = ch->side;
	uint32_t port;
	int ret = parse_line(ch->line, &port);

	/* First, because a device that breaks on this packet closes the stream at once. */
	end_greeting(ch);
	if (ret == 0)
		ret = vsock_connect(side->vsock, &ch->stream, port);
	if (ret == 0) {
		side->logged_no_driver = false;
		return;
	}
	refuse(side, ret);
	close_channel(ch);
}

/* Reads one byte at a time, because the bytes behind the line are for the guest. */
static void greet(struct vsock_unix_channel *ch)
{
	ssize_t n;

	while ((n = read(ch->fd, &ch->line[ch->line_len], 1)) == 1) {
		if (ch->line[ch->line_len] == '\n') {
			ch->line[ch->line_len] = '\0';
			connect_in(ch);
			return;
		}
		if (++ch->line_len == VSOCK_UNIX_LINE) {
			ch->line[0] = '\0';
			connect_in(ch);
			return;
		}
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		await(ch, &ch->readable, VSOCK_READABLE, POLLIN);
	else
		close_channel(ch);
}

static void lose_patience(struct event_timer *timer)
{
	struct vsock_unix_channel *ch = container_of(timer, struct vsock_unix_channel, patience);

	log_guest(&ch->side->limit,
		  "--vsock: disconnected a client: it sent no line in %llu seconds",
		  VSOCK_UNIX_GREETING_NS / NS_PER_S);
	close_channel(ch);
}

static void polled(struct vsock_unix_channel *ch, unsigned event, int result)
{
	ch->polling &= ~event;
	if (ch->closed) {
		close_channel(ch);
		return;
	}
	/*
	 * io_uring also reports the end of input, which was not asked for and which a read finds.
	 */
	if (event == VSOCK_HANGUP && !(result & POLLHUP))
		return;
	if (!ch->greeting)
		vsock_event(ch->side->vsock, &ch->stream, event);
	else if (event == VSOCK_READABLE)
		greet(ch);
	else
		close_channel(ch);
}

static void readable_done(struct event_op *op, int result)
{
	polled(container_of(op, struct vsock_unix_channel, readable), VSOCK_READABLE, result);
}

static void writable_done(struct event_op *op, int result)
{
	polled(container_of(op, struct vsock_unix_channel, writable), VSOCK_WRITABLE, result);
}

static void hangup_done(struct event_op *op, int result)
{
	polled(container_of(op, struct vsock_unix_channel, hangup), VSOCK_HANGUP, result);
}

/* A channel around @fd, or NULL if all are in use. */
static struct vsock_unix_channel *new_channel(struct vsock_unix *side, int fd)
{
	struct vsock_unix_channel *ch = side->channels;

	while (ch < side->channels + VSOCK_UNIX_CHANNELS && ch->fd)
		ch++;
	if (ch == side->channels + VSOCK_UNIX_CHANNELS)
		return NULL;
	*ch = (struct vsock_unix_channel){
		.stream.ops = &stream_ops,
		.side = side,
		.fd = fd,
		.readable.done = readable_done,
		.writable.done = writable_done,
		.hangup.done = hangup_done,
		.patience.due = lose_patience,
	};
	/* It completes when neither side sends any more, or the peer is gone. */
	await(ch, &ch->hangup, VSOCK_HANGUP, 0);
	return ch;
}

static void accepted(struct listener *listener, int fd)
{
	struct vsock_unix *side = container_of(listener, struct vsock_unix, listener);
	struct vsock_unix_channel *ch = NULL;

	if (side->n_clients < VSOCK_UNIX_MAX_CLIENTS)
		ch = new_channel(side, fd);
	if (!ch) {
		log_guest(&side->limit, "--vsock: too many clients; another one was disconnected");
		close(fd);
		return;
	}
	ch->greeting = true;
	side->n_clients++;
	event_loop_arm(side->loop, &ch->patience, VSOCK_UNIX_GREETING_NS);
	greet(ch);
}

static const struct listener_ops socket_ops = { .accepted = accepted };

/* A connected socket, or -errno: EAGAIN if the listener's queue is full. */
static int connect_port(const struct vsock_unix *side, uint32_t port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.*s_%" PRIu32,
		 (int)VSOCK_UNIX_PATH_MAX, side->path, port);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static struct vsock_stream *connect_out(struct vsock_host *host, uint32_t port)
{
	struct vsock_unix *side = container_of(host, struct vsock_unix, host);
	struct vsock_unix_channel *ch;
	int fd = connect_port(side, port);

	/* It is not an error of the host if nobody listens there. */
	if (fd < 0 && fd != -ENOENT && fd != -ECONNREFUSED)
		log_guest(&side->limit, "--vsock: cannot connect the guest to %s_%" PRIu32 ": %s",
			  side->path, port, strerror(-fd));
	if (fd < 0)
		return NULL;
	ch = new_channel(side, fd);
	if (!ch) {
		close(fd);
		return NULL;
	}
	return &ch->stream;
}

static const struct vsock_host_ops host_ops = { .connect = connect_out };

/* The name of @path below @root, which is absolute and resolved. */
static int find_below(const char *path, const char *root, char *ret, size_t size)
{
	const char *name = parent_directory_name(path);
	char dir[PATH_MAX], resolved[PATH_MAX];
	size_t len = strlen(root);

	snprintf(dir, sizeof(dir), "%.*s", name > path ? (int)(name - path) : 1,
		 name > path ? path : ".");
	if (!realpath(dir, resolved))
		return -errno;
	/* Only the root directory's name ends in a slash. */
	if (len == 1)
		len = 0;
	if (strncmp(resolved, root, len) != 0 || (resolved[len] && resolved[len] != '/'))
		return -EXDEV;
	if ((size_t)snprintf(ret, size, "%s/%s",
			     strcmp(resolved + len, "/") == 0 ? "" : resolved + len, name) >= size)
		return -ENAMETOOLONG;
	return 0;
}

/* Notes the path for the guest's connections, which is below @chroot if that is given. */
static int note_path(struct vsock_unix *side, const char *path, const char *chroot,
		     struct error *err)
{
	char root[PATH_MAX];
	int ret;

	if (!chroot) {
		snprintf(side->path, sizeof(side->path), "%s", path);
		return 0;
	}
	if (!realpath(chroot, root))
		return error_set(err, errno, "--chroot %s: %s; give a directory", chroot,
				 strerror(errno));
	ret = find_below(path, root, side->path, VSOCK_UNIX_PATH_MAX + 1);
	if (ret == -EXDEV)
		return error_set(
			err, EINVAL,
			"--vsock path=%s: is not below --chroot %s, where the guest's connections "
			"look for it; use a path below %s",
			path, chroot, chroot);
	if (ret < 0)
		return error_system(err, -ret, "--vsock path=%s", path);
	return 0;
}

int vsock_unix_init(struct vsock_unix *side, struct vsock *vsock, struct event_loop *loop,
		    const char *path, const char *chroot, struct error *err)
{
	struct error reason = { 0 };
	int ret;

	*side = (struct vsock_unix){ .host.ops = &host_ops, .vsock = vsock, .loop = loop };
	ret = note_path(side, path, chroot, err);
	if (ret < 0)
		return ret;
	ret = listener_open(&side->listener, &socket_ops, loop, path, &reason);
	if (ret < 0)
		return error_set(err, -ret, "--vsock path=%s", reason.text);
	side->listener.nonblocking = true;
	return 0;
}

void vsock_unix_fini(struct vsock_unix *side)
{
	for (unsigned i = 0; i < VSOCK_UNIX_CHANNELS; i++)
		if (side->channels[i].fd > 0)
			close(side->channels[i].fd);
	listener_fini(&side->listener);
	*side = (struct vsock_unix){ 0 };
}
