// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/host/vsock_unix.c devices/virtio/vsock.c devices/virtio/vsock_connection.c
/*
 * The socket device with its sockets, between a guest and programs on the host that do what they
 * like: say any line, in pieces; send, read, end and die at any time. Each descriptor is closed
 * once and not used afterwards, each is waited for or is on its way out, clients are counted right.
 * The kernel's part, which are stream sockets without a kernel, is played below.
 */
#include "vmm/host/vsock_unix.h"

#include "tests/fuzz/device.h"
#include "tests/fuzz/vsock_request.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD 1000
#define SOCKETS 40 /* more than there can be clients */
#define FIRST_PORT 0x40000000u
#define ROOM 20 /* bytes that wait in a socket for the peer to read */

/* A socket of mvmm's and who is at its other end. */
struct end {
	bool used;
	bool shut_rd, shut_wr; /* by mvmm */
	bool peer_ended, peer_gone, peer_reset;
	char line[32];		 /* what the peer says first, */
	unsigned line_len, said; /* and how much was read of it */
	unsigned more;		 /* bytes behind it */
	unsigned unread;	 /* by the peer */
};

static struct vsock vsock;
static uint8_t buffers[VSOCK_BUFFERS];
static struct vsock_unix side;
static struct end ends[SOCKETS];
static const struct listener_ops *listening;
static int connect_error;

static bool is_ours(int fd)
{
	return fd >= FIRST_FD && fd < FIRST_FD + SOCKETS;
}

static struct end *end_of(int fd)
{
	fuzz_check(ends[fd - FIRST_FD].used, "socket %d is closed", fd - FIRST_FD);
	return &ends[fd - FIRST_FD];
}

/* A new one, or -1. */
static int new_socket(void)
{
	for (unsigned i = 0; i < SOCKETS; i++) {
		if (ends[i].used)
			continue;
		ends[i] = (struct end){ .used = true };
		return FIRST_FD + (int)i;
	}
	errno = EMFILE;
	return -1;
}

int socket(int domain, int type, int protocol)
{
	fuzz_check(domain == AF_UNIX && type == (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) &&
		   protocol == 0);
	return new_socket();
}

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const struct sockaddr_un *to = addr.__sockaddr_un__;
	uint32_t port;

	end_of(fd);
	fuzz_check(len == sizeof(*to) && sscanf(to->sun_path, "path_%u", &port) == 1, "%s",
		   to->sun_path);
	errno = connect_error;
	return connect_error ? -1 : 0;
}

int shutdown(int fd, int how)
{
	struct end *end = end_of(fd);

	end->shut_rd |= how == SHUT_RD || how == SHUT_RDWR;
	end->shut_wr |= how == SHUT_WR || how == SHUT_RDWR;
	return 0;
}

int close(int fd)
{
	if (!is_ours(fd))
		return (int)syscall(SYS_close, fd);
	end_of(fd)->used = false;
	return 0;
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
	struct end *end;
	size_t n = 0;

	if (!is_ours(fd))
		return syscall(SYS_read, fd, buf, nbytes);
	end = end_of(fd);
	fuzz_check(nbytes && !end->shut_rd);
	errno = ECONNRESET;
	if (end->peer_reset)
		return -1;
	for (; n < nbytes && end->said < end->line_len; n++)
		((char *)buf)[n] = end->line[end->said++];
	for (; n < nbytes && end->more; n++, end->more--)
		((char *)buf)[n] = 'x';
	if (n || end->peer_ended || end->peer_gone)
		return (ssize_t)n;
	errno = EAGAIN;
	return -1;
}

ssize_t write(int fd, const void *buf, size_t n)
{
	struct end *end;
	size_t taken;

	if (!is_ours(fd))
		return syscall(SYS_write, fd, buf, n);
	end = end_of(fd);
	fuzz_check(n && n <= VSOCK_BUFFER && !end->shut_wr);
	/* All of it can be read. */
	for (size_t i = 0; i < n; i++)
		(void)((const volatile uint8_t *)buf)[i];
	taken = ROOM - end->unread < n ? ROOM - end->unread : n;
	errno = end->peer_gone ? EPIPE : EAGAIN;
	if (end->peer_gone || !taken)
		return -1;
	end->unread += (unsigned)taken;
	return (ssize_t)taken;
}

int listener_open(struct listener *listener, const struct listener_ops *ops,
		  struct event_loop *loop, const char *path, struct error *err)
{
	listening = ops;
	return 0;
}

void listener_fini(struct listener *listener)
{
}

static struct virtio_device *start(struct fuzz_input *in, struct event_loop *loop,
				   const struct guest_memory *mem)
{
	struct error err;

	memset(ends, 0, sizeof(ends));
	connect_error = 0;
	vsock_init(&vsock, VSOCK_REQUEST_CID, &side.host, loop, mem, buffers);
	fuzz_check(vsock_unix_init(&side, &vsock, loop, "path", NULL, &err) == 0);
	return &vsock.virtio;
}

static void stop(void)
{
	vsock_fini(&vsock);
	vsock_unix_fini(&side);
	for (unsigned i = 0; i < SOCKETS; i++)
		fuzz_check(!ends[i].used, "socket %u is left open", i);
}

/* Most often a line that makes sense, with something behind it. */
static void choose_line(struct fuzz_input *in, struct end *end)
{
	uint8_t what = fuzz_input_u8(in);

	end->line_len =
		(unsigned)snprintf(end->line, sizeof(end->line), "CONNECT %d\n", 1 + (what & 3));
	if (what & 4)
		end->line[fuzz_input_u8(in) % end->line_len] = (char)fuzz_input_u8(in);
	if (what & 8) {
		memset(end->line, '0', sizeof(end->line));
		end->line_len = fuzz_input_u8(in) % sizeof(end->line);
	}
	if (what & 16)
		end->line_len = fuzz_input_u8(in) % (end->line_len + 1);
	end->more = what >> 5;
}

static void client_comes(struct fuzz_input *in)
{
	int fd = new_socket();

	if (fd < 0)
		return;
	choose_line(in, end_of(fd));
	listening->accepted(&side.listener, fd);
}

/* What a poll for @events of @end says, or 0: it waits. io_uring's tells of POLLRDHUP unasked. */
static unsigned ready(const struct end *end, unsigned events)
{
	unsigned is = 0;

	if (end->said < end->line_len || end->more || end->peer_ended || end->peer_gone ||
	    end->shut_rd)
		is |= POLLIN;
	if (end->peer_ended || end->peer_gone || end->shut_rd)
		is |= POLLRDHUP;
	if (end->unread < ROOM || end->peer_gone || end->shut_wr)
		is |= POLLOUT;
	if (end->peer_gone || (end->shut_wr && (end->shut_rd || end->peer_ended)))
		is |= POLLHUP;
	return is & (events | POLLHUP | POLLERR | POLLRDHUP);
}

/* The poll of @fd that @skip others are older than, or NULL; *@skip is less by those. */
static const struct loop_op *find_poll(int fd, unsigned *skip)
{
	const struct loop_op *op;

	for (unsigned i = 0; (op = loop_at(i)); i++)
		if (op->kind == LOOP_POLL && op->fd == fd && !(*skip)--)
			return op;
	return NULL;
}

/* Something happens at the other end of a socket, and mvmm may hear of it, in any order. */
static void something_happens(uint8_t what, int fd)
{
	struct end *end = &ends[fd - FIRST_FD];
	unsigned which = what >> 5 & 3;
	const struct loop_op *op;

	if (!end->used)
		return;
	end->peer_ended |= (what & 7) == 3;
	end->peer_gone |= (what & 7) == 4;
	end->peer_reset |= (what & 0x87) == 0x84;
	if (what & 8 && !end->peer_ended && !end->peer_gone)
		end->more += 1u << (what >> 4);
	if (what & 16)
		end->unread -= end->unread < 1u << (what >> 4) ? end->unread : 1u << (what >> 4);
	op = find_poll(fd, &which);
	if (op && ready(end, op->events))
		loop_end(op, (int)ready(end, op->events));
}

static void event(struct fuzz_input *in)
{
	static const int errors[] = { 0, ENOENT, ECONNREFUSED, EAGAIN };
	uint8_t what = fuzz_input_u8(in);

	/* So that the guest can guess the ports that are chosen for clients. */
	vsock.next_port = FIRST_PORT;
	if ((what & 7) < 2)
		client_comes(in);
	else if ((what & 7) == 2)
		connect_error = errors[what >> 3 & 3];
	else
		something_happens(what, FIRST_FD + fuzz_input_u8(in) % SOCKETS);
}

static void check_channel(const struct vsock_unix_channel *ch)
{
	const struct end *end = end_of(ch->fd);
	unsigned polls = UINT_MAX;
	const struct vsock_connection *c = ch->stream.connection;

	find_poll(ch->fd, &polls);
	polls = UINT_MAX - polls;
	fuzz_check(polls == (unsigned)__builtin_popcount(ch->polling), "%u polls, 0x%x", polls,
		   ch->polling);
	fuzz_check(!c || (c->stream == &ch->stream && !ch->greeting && !ch->closed));
	if (ch->closed)
		fuzz_check(polls && end->shut_rd && end->shut_wr, "nothing frees it");
	else if (ch->greeting)
		fuzz_check(ch->polling & VSOCK_READABLE);
	else
		fuzz_check(c, "a socket without a connection");
}

static void check(void)
{
	unsigned greeting = 0, channels = 0, open = 0;

	for (unsigned i = 0; i < VSOCK_UNIX_CHANNELS; i++) {
		if (!side.channels[i].fd)
			continue;
		check_channel(&side.channels[i]);
		greeting += side.channels[i].greeting;
		channels++;
	}
	for (unsigned i = 0; i < SOCKETS; i++)
		open += ends[i].used;
	fuzz_check(open == channels, "%u sockets, %u channels", open, channels);
	fuzz_check(side.n_clients == greeting, "%u of %u clients", side.n_clients, greeting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_target target = {
		.start = start,
		.stop = stop,
		.request = vsock_request,
		.event = event,
		.answered = vsock_request_answered,
		.check = check,
	};

	return device_run(&target, data, size);
}
