// SPDX-License-Identifier: Apache-2.0
/* Bytes in and out of a connection, its bounds, and each way in which it ends. */
#include "vmm/control/control_connection.h"

#include "tests/support/fake_vm.h"
#include "tests/support/open_descriptors.h"

TestSuite(control_connection, .timeout = 20);

static struct driver_host host;
static struct control_clients clients;
static struct control_connection c;
static int fd; /* the client's end */

/* What the protocol got, how it takes it, and whether it was told of the end. */
static char got[1 << 16];
static size_t n_got, takes_at_most;
static unsigned closed;
static bool echoes, ends_at_once;

static size_t input(struct control_connection *connection, const char *bytes, size_t len)
{
	cr_assert(connection == &c);
	cr_assert(len > 0 && len <= CONTROL_CONNECTION_INPUT);
	cr_assert(!closed);
	if (len > takes_at_most)
		len = takes_at_most;
	cr_assert(n_got + len < sizeof(got));
	memcpy(got + n_got, bytes, len);
	n_got += len;
	if (echoes)
		control_connection_send(connection, bytes, len);
	if (ends_at_once)
		control_connection_end(connection);
	return len;
}

static void note_end(struct control_connection *connection)
{
	cr_assert(connection == &c);
	closed++;
	/* Nobody may look at it any more. */
	memset(&c, 0x5a, sizeof(c));
}

static const struct control_connection_ops ops = { .input = input, .closed = note_end };

static void setup(void)
{
	int ends[2];

	driver_host_init(&host);
	signal(SIGPIPE, SIG_IGN);
	takes_at_most = SIZE_MAX;
	fake_vm_sockets(ends);
	fd = ends[0];
	control_connection_init(&c, &ops, &clients, &host.loop, ends[1], ends[1], true);
	control_connection_start(&c);
	check_eq(clients.count, 1);
}

/* Waits for the loop's next rounds until the protocol has heard of the end. */
static void await_closed(void)
{
	while (!closed)
		driver_settle(&host);
	check_eq(closed, 1);
	check_eq(clients.count, 0);
	check_eq(clients.first, NULL);
}

/* Sends a byte, and with it the writing end of a pipe; returns the other end. */
static int pass_pipe(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = { 0 };
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];

	check_eq(pipe(ends), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
	check_eq(sendmsg(fd, &message, 0), 1);
	close(ends[1]);
	return ends[0];
}

/* bad input: Control socket: a descriptor for a protocol that takes none, such as HMP -> it is
 * closed */
Test(control_connection, descriptor_that_nobody_takes, .init = setup)
{
	int end = pass_pipe();
	char byte;

	driver_settle(&host);
	check_eq(n_got, 1);
	check_eq(read(end, &byte, 1), 0);
}

static int taken;

static void take(struct control_connection *connection, int descriptor)
{
	taken = descriptor;
}

Test(control_connection, descriptor_comes_with_its_bytes, .init = setup)
{
	const struct control_connection_ops taking = { .input = input,
						       .closed = note_end,
						       .descriptor = take };
	int end;
	char byte;

	c.ops = &taking;
	end = pass_pipe();
	driver_settle(&host);
	check_eq(n_got, 1);
	check_eq(fcntl(taken, F_GETFD), FD_CLOEXEC);
	check_eq(write(taken, "y", 1), 1);
	check_eq(read(end, &byte, 1), 1);
}

/*
 * bad input: Control socket: a client does not read its answers, and all clients together use as
 * much memory as they may -> the client whose answer has no room is disconnected
 */
Test(control_connection, budget_of_all, .init = setup)
{
	static const char much[100000];

	clients.budget = (struct buffer_budget){ .spent = 100000, .limit = 150000 };
	driver_log_capture();
	control_connection_send(&c, much, 1000);
	driver_settle(&host);
	check_eq(closed, 0);
	control_connection_send(&c, much, sizeof(much));
	check_contains(driver_log_text(), "a control client had no room for an answer");
	await_closed();
	check_eq(clients.budget.spent, 100000);
}

Test(control_connection, bytes_in_and_out, .init = setup)
{
	echoes = true;
	check_str(fake_vm_ask(&host, fd, "hello"), "hello");
	check_str(fake_vm_ask(&host, fd, "you"), "you");
	check_eq(memcmp(got, "helloyou", 8), 0);
	check_eq(n_got, 8);
	cr_assert(control_connection_idle(&c));
	close(fd);
	await_closed();
}

/* A client that closes its sending side gets all answers, then the end. */
Test(control_connection, end_of_input, .init = setup)
{
	echoes = true;
	fake_vm_say(fd, "last");
	shutdown(fd, SHUT_WR);
	check_str(fake_vm_hear(&host, fd), "last<end>");
	await_closed();
}

/* Unless one is still to come. */
Test(control_connection, answer_that_comes_later, .init = setup)
{
	control_connection_hold(&c);
	shutdown(fd, SHUT_WR);
	check_str(fake_vm_hear(&host, fd), "");
	check_eq(closed, 0);
	control_connection_send(&c, "later", 5);
	check_str(fake_vm_hear(&host, fd), "later");
	check_eq(closed, 0);
	control_connection_resume(&c);
	control_connection_resume(&c);
	check_str(fake_vm_hear(&host, fd), "<end>");
	await_closed();
	driver_settle(&host);
}

Test(control_connection, input_that_is_not_taken_waits, .init = setup)
{
	takes_at_most = 0;
	fake_vm_ask(&host, fd, "abc");
	fake_vm_ask(&host, fd, "def");
	check_eq(n_got, 0);
	takes_at_most = 2;
	control_connection_resume(&c);
	control_connection_resume(&c);
	fake_vm_hear(&host, fd);
	check_eq(n_got, 6);
	check_eq(memcmp(got, "abcdef", 6), 0);
	takes_at_most = 0;
	fake_vm_ask(&host, fd, "gh");
	/* What waits is not lost when the client goes. */
	close(fd);
	driver_settle(&host);
	check_eq(closed, 0);
	takes_at_most = SIZE_MAX;
	control_connection_resume(&c);
	await_closed();
	check_eq(memcmp(got, "abcdefgh", 8), 0);
}

Test(control_connection, ended_by_the_protocol, .init = setup)
{
	ends_at_once = true;
	echoes = true;
	takes_at_most = 3;
	check_str(fake_vm_ask(&host, fd, "byebye"), "bye<end>");
	await_closed();
	check_eq(n_got, 3, "what came behind it is dropped");
}

/* Nobody reads: no input is taken, and nothing is lost once somebody does. */
Test(control_connection, slow_reader_is_not_read_from, .init = setup)
{
	static char some[1 << 16];
	size_t sent = 0, heard = 0;

	memset(some, 'x', sizeof(some));
	/* As much as the kernel takes, and what makes it full. */
	while (!control_connection_full(&c)) {
		control_connection_send(&c, some, 4096);
		sent += 4096;
		driver_settle(&host);
	}
	fake_vm_say(fd, "more");
	for (unsigned i = 0; i < 10; i++)
		driver_settle(&host);
	check_eq(n_got, 0);
	cr_assert(!control_connection_idle(&c));
	while (heard < sent)
		heard += strlen(fake_vm_hear(&host, fd));
	check_eq(heard, sent);
	while (n_got < 4)
		driver_settle(&host);
	cr_assert(!control_connection_full(&c));
	cr_assert(control_connection_idle(&c));
	check_eq(closed, 0);
	close(fd);
	await_closed();
}

Test(control_connection, client_that_never_reads_is_dropped, .init = setup)
{
	static char some[1 << 16];
	size_t sent = 0;

	driver_log_capture();
	while (!closed && !c.dead) {
		control_connection_send(&c, some, sizeof(some));
		sent += sizeof(some);
		cr_assert(sent < 8 << 20);
	}
	check_contains(driver_log_text(),
		       "a control client does not read its answers; disconnected");
	/* What is sent to it from now on goes nowhere. */
	control_connection_send(&c, some, sizeof(some));
	await_closed();
	check_eq(closed, 1);
}

Test(control_connection, client_that_vanishes, .init = setup)
{
	unsigned before = open_descriptors();

	close(fd);
	control_connection_send(&c, "nobody", 6);
	await_closed();
	check_eq(open_descriptors(), before - 2, "the socket is closed");
}

/* Input from elsewhere: what is too much at once is lost, and the rest comes in order. */
Test(control_connection, fed)
{
	static char much[CONTROL_CONNECTION_INPUT + 100];
	int ends[2];

	driver_host_init(&host);
	fake_vm_sockets(ends);
	control_connection_init(&c, &ops, &clients, &host.loop, -1, ends[1], false);
	control_connection_start(&c);
	memset(much, 'm', sizeof(much));
	takes_at_most = 0;
	control_connection_feed(&c, "ab", 2);
	control_connection_feed(&c, much, sizeof(much));
	takes_at_most = 3;
	control_connection_feed(&c, "z", 1);
	check_eq(n_got, CONTROL_CONNECTION_INPUT);
	check_eq(memcmp(got, "abmmm", 5), 0);
	check_eq(memchr(got, 'z', n_got), NULL);
	control_connection_end(&c);
	control_connection_feed(&c, "z", 1);
	check_eq(n_got, CONTROL_CONNECTION_INPUT, "it has ended");
	control_connection_abandon(&c);
	check_eq(closed, 1);
	check_eq(fcntl(ends[1], F_GETFD), 0, "the descriptor is somebody else's");
}

static void one_is_over(struct control_connection *connection)
{
	closed++;
}

/* Of three, in any order. */
Test(control_connection, list_of_clients)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 1, 2, 0 } };
	static const struct control_connection_ops three_ops = { .input = input,
								 .closed = one_is_over };
	static struct control_connection three[3];

	driver_host_init(&host);
	for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
		for (unsigned i = 0; i < 3; i++)
			control_connection_init(&three[i], &three_ops, &clients, &host.loop, -1, -1,
						false);
		for (unsigned gone = 0; gone < 3; gone++) {
			unsigned n = 0;

			check_eq(clients.count, 3 - gone);
			for (struct control_connection *i = clients.first; i; i = i->next) {
				cr_assert(!i->next || i->next->prev == i);
				n++;
			}
			check_eq(n, 3 - gone, "order %zu", o);
			control_connection_abandon(&three[orders[o][gone]]);
		}
		check_eq(clients.first, NULL);
		check_eq(closed, 3 * (o + 1));
	}
}
