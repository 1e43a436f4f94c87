// SPDX-License-Identifier: Apache-2.0
/* Carries bytes between client and protocol. Input: read_done; output: flush; the end: settle. */
#include "vmm/control/control_connection.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_lock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void poll_input(struct control_connection *c)
{
	if (c->in_fd < 0 || c->reading || c->ending || c->in_len)
		return;
	c->reading = true;
	event_loop_poll(c->loop, &c->read, c->in_fd, POLLIN);
}

static void flush(struct control_connection *c)
{
	if (c->writing || c->dead)
		return;
	if (c->out_start == c->out.len) {
		struct buffer written = c->out;

		/* The kernel reads from out until it completes: new output goes to queued. */
		c->out = c->queued;
		c->queued = written;
		c->out_start = 0;
		buffer_reset(&c->queued);
	}
	if (!c->out.len)
		return;
	c->writing = true;
	event_loop_write(c->loop, &c->write, c->out_fd, c->out.data + c->out_start,
			 (unsigned)(c->out.len - c->out_start));
}

/* Gives up on the peer. The shutdown ends operations in flight on a socket. */
static void kill_connection(struct control_connection *c)
{
	if (c->dead)
		return;
	c->dead = true;
	c->ending = true;
	c->in_len = 0;
	if (c->owned)
		shutdown(c->out_fd, SHUT_RDWR);
}

static void remove_from_clients(struct control_connection *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->clients->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->clients->count--;
}

static void release(struct control_connection *c)
{
	event_loop_cancel(c->loop, &c->resume);
	if (c->owned)
		close(c->out_fd);
	buffer_fini(&c->queued);
	buffer_fini(&c->out);
	remove_from_clients(c);
	c->ops->closed(c);
}

/* The last call of every callback from the loop, because it may free @c. */
static void settle(struct control_connection *c)
{
	if (c->ending && !c->dead && !c->in_len && !c->held && control_connection_idle(c))
		kill_connection(c);
	if (c->dead && !c->reading && !c->writing)
		release(c);
}

/* Passes input to the protocol until it takes no more. */
static void deliver(struct control_connection *c)
{
	while (c->in_len && !c->dead && !control_connection_full(c)) {
		size_t taken = c->ops->input(c, c->in + c->in_start, c->in_len);

		if (!c->in_len) /* control_connection_end */
			break;
		c->in_start += taken;
		c->in_len -= taken;
		if (!taken)
			break;
	}
}

static void go_on(struct control_connection *c)
{
	deliver(c);
	poll_input(c);
	settle(c);
}

/* The most that one message can have; a constant of the kernel that no header has. */
#define MAX_DESCRIPTORS 253

static void take_descriptors(struct control_connection *c, struct msghdr *message)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		size_t len = h->cmsg_len - CMSG_LEN(0);
		int fds[MAX_DESCRIPTORS];

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS || len > sizeof(fds))
			continue;
		memcpy(fds, CMSG_DATA(h), len);
		for (size_t i = 0; i < len / sizeof(fds[0]); i++)
			if (c->ops->descriptor)
				c->ops->descriptor(c, fds[i]);
			else
				file_lock_close(fds[i]);
	}
}

/* As recv(2), with the descriptors that come with the bytes. */
static ssize_t receive(struct control_connection *c)
{
	union {
		char bytes[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec bytes = { c->in, sizeof(c->in) };
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(c->in_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_descriptors(c, &message);
	return n;
}

static void read_done(struct event_op *op, int result)
{
	struct control_connection *c = container_of(op, struct control_connection, read);
	ssize_t n;

	c->reading = false;
	/* See event_loop_poll: there may be no input, and a blocking read would wait. */
	if (result >= 0 && !c->dead && !c->ending) {
		n = c->owned ? receive(c) : read(c->in_fd, c->in, sizeof(c->in));
		if (n > 0) {
			c->in_start = 0;
			c->in_len = (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			/* The client may still read the answers. */
			c->ending = true;
		}
	}
	go_on(c);
}

static void write_done(struct event_op *op, int result)
{
	struct control_connection *c = container_of(op, struct control_connection, write);

	/* The owner of a descriptor that was passed to us may have made it non-blocking. */
	if (result == -EAGAIN && !c->dead) {
		event_loop_poll(c->loop, &c->writable, c->out_fd, POLLOUT);
		return;
	}
	c->writing = false;
	if (result > 0)
		c->out_start += (size_t)result;
	else if (result != -EINTR)
		kill_connection(c);
	flush(c);
	if (c->clients->written && control_connection_idle(c))
		c->clients->written(c->clients, c);
	if (c->clients->draining && control_connection_idle(c))
		event_loop_stop(c->loop);
	go_on(c);
}

static void writable_done(struct event_op *op, int result)
{
	struct control_connection *c = container_of(op, struct control_connection, writable);

	c->writing = false;
	flush(c);
	go_on(c);
}

static void resume_due(struct event_timer *timer)
{
	go_on(container_of(timer, struct control_connection, resume));
}

void control_connection_init(struct control_connection *connection,
			     const struct control_connection_ops *ops,
			     struct control_clients *clients, struct event_loop *loop, int in_fd,
			     int out_fd, bool owned)
{
	*connection = (struct control_connection){
		.ops = ops,
		.clients = clients,
		.next = clients->first,
		.loop = loop,
		.in_fd = in_fd,
		.out_fd = out_fd,
		.owned = owned,
		.read.done = read_done,
		.write.done = write_done,
		.writable.done = writable_done,
		.resume.due = resume_due,
		.queued = { .limit = CONTROL_CONNECTION_MAX, .budget = &clients->budget },
		.out = { .limit = CONTROL_CONNECTION_MAX, .budget = &clients->budget },
	};
	if (clients->first)
		clients->first->prev = connection;
	clients->first = connection;
	clients->count++;
}

void control_connection_start(struct control_connection *connection)
{
	poll_input(connection);
}

void control_connection_send(struct control_connection *connection, const char *bytes, size_t len)
{
	int ret;

	if (connection->dead)
		return;
	ret = buffer_append(&connection->queued, bytes, len);
	if (ret < 0) {
		log_guest(
			&connection->clients->limit, "a control client %s; disconnected",
			ret == -EDQUOT
				? "had no room for an answer, because all together hold the most they can"
				: "does not read its answers");
		kill_connection(connection);
		return;
	}
	flush(connection);
}

bool control_connection_full(const struct control_connection *connection)
{
	return connection->queued.len >= CONTROL_CONNECTION_FULL;
}

void control_connection_hold(struct control_connection *connection)
{
	connection->held = true;
}

void control_connection_resume(struct control_connection *connection)
{
	connection->held = false;
	/* By the loop, because this may be called while an event is sent to all clients. */
	event_loop_arm(connection->loop, &connection->resume, 0);
}

void control_connection_feed(struct control_connection *connection, const char *bytes, size_t len)
{
	size_t room = sizeof(connection->in) - connection->in_len;

	if (connection->ending)
		return;
	memmove(connection->in, connection->in + connection->in_start, connection->in_len);
	connection->in_start = 0;
	if (len > room)
		len = room;
	memcpy(connection->in + connection->in_len, bytes, len);
	connection->in_len += len;
	go_on(connection);
}

void control_connection_end(struct control_connection *connection)
{
	connection->ending = true;
	connection->in_len = 0;
}

bool control_connection_idle(const struct control_connection *connection)
{
	return connection->dead ||
	       (!connection->queued.len && connection->out_start == connection->out.len);
}

void control_connection_abandon(struct control_connection *connection)
{
	release(connection);
}
