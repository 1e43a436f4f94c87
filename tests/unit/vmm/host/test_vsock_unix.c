// SPDX-License-Identifier: Apache-2.0
/* The socket device from the guest's packets to UNIX sockets and back: Firecracker's convention,
 * ends of all kinds, peers that misbehave. */
#include "vmm/host/vsock_unix.h"

#include "tests/support/open_descriptors.h"
#include "tests/support/vsock_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(vsock_unix, .timeout = 30);

#define PORT 52
#define LOCAL 1024u

static struct vsock_guest guest;
static struct vsock vsock;
static uint8_t buffers[VSOCK_BUFFERS];
static struct vsock_unix side;
static char directory[] = "/tmp/mvmm-test-XXXXXX";
static char path[64], port_path[80];
static unsigned before;

static int try_init(const char *where, const char *chroot, const char *error)
{
	struct error err = { 0 };
	int ret = vsock_unix_init(&side, &vsock, &guest.host.loop, where, chroot, &err);

	check_contains(err.text, error);
	return ret;
}

static void make_directory(void)
{
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	snprintf(port_path, sizeof(port_path), "%s_%d", path, PORT);
}

static void setup(void)
{
	make_directory();
	before = open_descriptors();
	driver_host_init(&guest.host);
	vsock_init(&vsock, GUEST_CID, &side.host, &guest.host.loop, &guest.host.mem, buffers);
	driver_attach(&guest.driver, &guest.host, &vsock.virtio, 0x40000, 16);
	check_eq(try_init(path, NULL, ""), 0);
	guest_start(&guest);
	guest_offer_all(&guest);
}

/* Each test closes its own descriptors. */
static void teardown(void)
{
	driver_detach(&guest.driver);
	driver_host_fini(&guest.host);
	vsock_fini(&vsock);
	vsock_unix_fini(&side);
	check_eq(open_descriptors(), before, "descriptors are left open");
	unlink(port_path);
	check_eq(rmdir(directory), 0, "something was left there");
}

/* Until nothing moves any more. */
static void settle(void)
{
	for (unsigned i = 0; i < 8; i++)
		driver_settle(&guest.host);
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	check_eq(write(fd, text, strlen(text)), strlen(text));
	settle();
}

static int client_says(const char *text)
{
	int fd = connect_client();

	send_text(fd, text);
	return fd;
}

/* What can be read now; "" is the end, NULL that there is nothing yet. */
static const char *heard(int fd)
{
	static char text[64];
	ssize_t n;

	settle();
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0) {
		cr_assert(errno == EAGAIN || errno == ECONNRESET, "%s", strerror(errno));
		return errno == EAGAIN ? NULL : "";
	}
	text[n] = '\0';
	return text;
}

/* A client that the guest has accepted; *@ret_port is the host's. */
static int connected_client(uint32_t *ret_port)
{
	int fd = client_says("CONNECT 1024\n");
	char ok[32];

	*ret_port = guest_take(&guest).src_port;
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, LOCAL, *ret_port);
	snprintf(ok, sizeof(ok), "OK %u\n", *ret_port);
	check_str(heard(fd), ok);
	return fd;
}

static int listen_for_guest(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", port_path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	check_eq(listen(fd, 1), 0);
	return fd;
}

/* The host's end of a connection that the guest has made. */
static int connected_guest(void)
{
	int listener = listen_for_guest(), fd;

	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert(fd >= 0);
	close(listener);
	return fd;
}

/* The host's end is gone: the guest hears of both directions, one by one or together. */
static void expect_end(void)
{
	settle();
	while (guest_waiting(&guest) > 1)
		guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VSOCK_SHUTDOWN_BOTH);
}

Test(vsock_unix, host_connects, .init = setup, .fini = teardown)
{
	uint32_t port;
	int fd = connected_client(&port);

	send_text(fd, "to the guest");
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, port, LOCAL).len, 12);
	cr_assert(memcmp(guest.payload, "to the guest", 12) == 0);
	guest_send_data(&guest, LOCAL, port, "to the host", 11);
	check_str(heard(fd), "to the host");
	close(fd);
}

Test(vsock_unix, line_comes_in_pieces_and_with_data_behind, .init = setup, .fini = teardown)
{
	int fd = client_says("CONN");
	uint32_t port;

	guest_expect_none(&guest);
	send_text(fd, "ECT 1024\nearly");
	port = guest_take(&guest).src_port;
	guest_expect_none(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_RESPONSE, LOCAL, port);
	settle();
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, port, LOCAL).len, 5);
	cr_assert(memcmp(guest.payload, "early", 5) == 0);
	close(fd);
}

/*
 * bad input: Socket device: a client on the host whose first line is not CONNECT and a port -> the
 * client is disconnected, and the guest is not told
 */
Test(vsock_unix, lines_that_say_nothing, .init = setup, .fini = teardown)
{
	static const char *const lines[] = {
		"\n",
		"HELLO\n",
		"CONNECT\n",
		"CONNECT \n",
		"CONNECT x\n",
		"CONNECT -1\n",
		"CONNECT 4294967296\n",
		"CONNECT 00000000000000000000001\n",
		"connect 1\n",
		"CONNECT 1 \n",
		" CONNECT 1\n",
		"CONNECT 1",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		int fd = client_says(lines[i]);

		shutdown(fd, SHUT_WR);
		settle();
		guest_expect_none(&guest);
		check_str(heard(fd), "");
		close(fd);
	}
	check_eq(side.n_clients, 0);
}

Test(vsock_unix, guest_refuses, .init = setup, .fini = teardown)
{
	int fd = client_says("CONNECT 1024\n");
	uint32_t port = guest_take(&guest).src_port;

	check_eq(heard(fd), NULL);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, port);
	check_str(heard(fd), "");
	close(fd);
}

Test(vsock_unix, guest_has_no_driver, .init = setup, .fini = teardown)
{
	int fd;

	driver_reset(&guest.driver);
	fd = client_says("CONNECT 1024\n");
	check_str(heard(fd), "");
	close(fd);
}

static unsigned count_disconnected(void)
{
	const char *text = driver_log_text();
	unsigned n = 0;

	for (; (text = strstr(text, "disconnected a client")); text++)
		n++;
	return n;
}

/*
 * bad input: Socket device: a client on the host that connects again and again before the guest has
 * a driver -> one message in all
 */
Test(vsock_unix, client_waits_for_a_driver, .init = setup, .fini = teardown)
{
	uint32_t port;

	driver_log_capture();
	before++; /* the captured log */
	driver_reset(&guest.driver);
	for (unsigned i = 0; i < 8; i++)
		close(client_says("CONNECT 1024\n"));
	check_eq(count_disconnected(), 1);
	check_contains(driver_log_text(), "the guest has no driver yet; the next ones are");
	/* Others are told of all the same. */
	close(client_says("HELLO\n"));
	check_eq(count_disconnected(), 2);
	guest_start(&guest);
	guest_offer_all(&guest);
	close(connected_client(&port));
	driver_reset(&guest.driver);
	close(client_says("CONNECT 1024\n"));
	close(client_says("CONNECT 1024\n"));
	check_eq(count_disconnected(), 3, "the driver has gone again");
}

/*
 * bad input: Socket device: the device finds its receive queue broken when a client on the host
 * connects -> the client is disconnected, and others are served once the driver has reset the
 * device
 */
Test(vsock_unix, device_breaks_as_a_client_connects, .init = setup, .fini = teardown)
{
	uint32_t port;
	int fd;

	guest.rx.avail->idx = htole16(le16toh(guest.rx.avail->idx) + GUEST_RING_SIZE + 1);
	fd = client_says("CONNECT 1024\n");
	check_str(heard(fd), "");
	close(fd);
	cr_assert(guest_broken(&guest));
	check_eq(side.n_clients, 0);
	driver_reset(&guest.driver);
	guest_start(&guest);
	guest_offer_all(&guest);
	close(connected_client(&port));
}

/*
 * bad input: Socket device: a client on the host that ends before the guest has answered -> the
 * guest is told that the connection has ended
 */
Test(vsock_unix, client_dies_before_the_answer, .init = setup, .fini = teardown)
{
	int fd = client_says("CONNECT 1024\n");
	uint32_t port = guest_take(&guest).src_port;

	close(fd);
	settle();
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, port, LOCAL);
}

/*
 * bad input: Socket device: many clients on the host that connect and send nothing -> only 32 of
 * them are kept, and others are served
 */
Test(vsock_unix, silent_clients, .init = setup, .fini = teardown)
{
	int fds[VSOCK_UNIX_MAX_CLIENTS + 8], other;
	uint32_t port;

	other = connected_client(&port);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client_says("CONN");
	check_eq(heard(fds[0]), NULL);
	check_str(heard(fds[VSOCK_UNIX_MAX_CLIENTS]), "");
	check_eq(side.n_clients, VSOCK_UNIX_MAX_CLIENTS);
	send_text(other, "still");
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, port, LOCAL).len, 5);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	settle();
	check_eq(side.n_clients, 0);
	close(other);
	settle();
	while (guest_waiting(&guest))
		guest_take(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, port);
	close(connected_client(&port));
}

static unsigned armed_timers(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VSOCK_UNIX_CHANNELS; i++)
		n += event_loop_armed(&side.channels[i].patience);
	return n;
}

/*
 * bad input: Socket device: clients on the host that connect and never send anything -> they are
 * disconnected after ten seconds, and others take their places
 */
Test(vsock_unix, silent_clients_lose_their_places, .init = setup, .fini = teardown)
{
	int fds[VSOCK_UNIX_MAX_CLIENTS], served;
	uint32_t port;

	/* Whoever has sent its line is no longer timed. */
	served = connected_client(&port);
	check_eq(armed_timers(), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client_says("CONN");
	check_eq(armed_timers(), VSOCK_UNIX_MAX_CLIENTS);
	for (unsigned i = 0; i < VSOCK_UNIX_CHANNELS; i++) {
		struct event_timer *patience = &side.channels[i].patience;

		if (!event_loop_armed(patience))
			continue;
		cr_assert(event_loop_left_ns(patience) > VSOCK_UNIX_GREETING_NS / 2);
		cr_assert(event_loop_left_ns(patience) <= VSOCK_UNIX_GREETING_NS);
		/* Now, rather than waiting for it. */
		event_loop_arm(&guest.host.loop, patience, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		check_str(heard(fds[i]), "");
		close(fds[i]);
	}
	check_eq(side.n_clients, 0);
	check_eq(armed_timers(), 0);
	send_text(served, "still");
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, port, LOCAL).len, 5);
	close(served);
	settle();
	while (guest_waiting(&guest))
		guest_take(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, port);
	close(connected_client(&port));
}

Test(vsock_unix, guest_connects, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	guest_send_data(&guest, LOCAL, PORT, "hello", 5);
	check_str(heard(fd), "hello");
	send_text(fd, "hi");
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 2);
	close(fd);
}

Test(vsock_unix, nobody_listens, .init = setup, .fini = teardown)
{
	int listener;

	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	/* Neither where a socket was left behind, nor where its queue is full: nothing waits. */
	listener = listen_for_guest();
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL, PORT);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL + 1, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RESPONSE, PORT, LOCAL + 1);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL + 2, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL + 2);
	close(listener);
	settle();
	while (guest_waiting(&guest))
		guest_take(&guest);
	guest_send(&guest, VIRTIO_VSOCK_OP_REQUEST, LOCAL + 3, PORT);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL + 3);
}

Test(vsock_unix, half_close_by_the_guest, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	guest_send_data(&guest, LOCAL, PORT, "last", 4);
	guest_shutdown(&guest, LOCAL, PORT, VIRTIO_VSOCK_SHUTDOWN_SEND);
	check_str(heard(fd), "last");
	check_str(heard(fd), "");
	guest_expect_none(&guest);
	send_text(fd, "answer");
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 6);
	close(fd);
	expect_end();
}

Test(vsock_unix, half_close_by_the_host, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	check_eq(write(fd, "last", 4), 4);
	check_eq(shutdown(fd, SHUT_WR), 0);
	settle();
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL).len, 4);
	check_eq(guest_expect(&guest, VIRTIO_VSOCK_OP_SHUTDOWN, PORT, LOCAL).flags,
		 VIRTIO_VSOCK_SHUTDOWN_SEND);
	guest_send_data(&guest, LOCAL, PORT, "answer", 6);
	check_str(heard(fd), "answer");
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	check_str(heard(fd), "");
	close(fd);
}

Test(vsock_unix, peer_dies, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	check_eq(write(fd, "last", 4), 4);
	close(fd);
	settle();
	check_eq(guest_take(&guest).op, VIRTIO_VSOCK_OP_RW);
	expect_end();
	guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, PORT);
	guest_expect_none(&guest);
	unlink(port_path);
	close(connected_guest());
}

/* With bytes unread in its queue, which the kernel then throws away. */
Test(vsock_unix, peer_dies_without_having_read, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	guest_send_data(&guest, LOCAL, PORT, "unread", 6);
	close(fd);
	expect_end();
}

Test(vsock_unix, device_reset_closes_sockets, .init = setup, .fini = teardown)
{
	int fd = connected_guest();

	driver_reset(&guest.driver);
	check_str(heard(fd), "");
	close(fd);
}

/*
 * bad input: Socket device: a program on the host that does not read -> the guest gets no more
 * credit, and all of its data arrives once the program reads
 */
Test(vsock_unix, peer_that_does_not_read, .init = setup, .fini = teardown)
{
	int fd = connected_guest();
	static uint8_t data[GUEST_BUFFER], back[GUEST_BUFFER];
	uint32_t sent = 0, acknowledged = 0, read_back = 0;

	while (sent - acknowledged + sizeof(data) <= VSOCK_BUFFER) {
		memset(data, (int)(sent / sizeof(data)), sizeof(data));
		guest_send_data(&guest, LOCAL, PORT, data, sizeof(data));
		sent += sizeof(data);
		while (guest_waiting(&guest))
			acknowledged =
				guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL)
					.fwd_cnt;
	}
	cr_assert(sent > VSOCK_BUFFER && sent < 16 * VSOCK_BUFFER, "%u", sent);
	guest_shutdown(&guest, LOCAL, PORT, VSOCK_SHUTDOWN_BOTH);
	guest_expect_none(&guest);
	for (;;) {
		ssize_t n = read(fd, back, sizeof(back));

		if (n < 0)
			check_eq(errno, EAGAIN);
		for (ssize_t i = 0; i < n; i++)
			check_eq(back[i], (uint8_t)((read_back + i) / sizeof(data)));
		if (n == 0)
			break;
		if (n > 0)
			read_back += (uint32_t)n;
		driver_settle(&guest.host);
	}
	check_eq(read_back, sent);
	while (guest_waiting(&guest) > 1)
		guest_expect(&guest, VIRTIO_VSOCK_OP_CREDIT_UPDATE, PORT, LOCAL);
	guest_expect(&guest, VIRTIO_VSOCK_OP_RST, PORT, LOCAL);
	close(fd);
}

Test(vsock_unix, large_data_to_the_guest, .init = setup, .fini = teardown)
{
	int fd = connected_guest();
	uint8_t data[30000];
	uint32_t got = 0;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 100);
	check_eq(write(fd, data, sizeof(data)), sizeof(data));
	settle();
	while (guest_waiting(&guest)) {
		struct vsock_packet p = guest_expect(&guest, VIRTIO_VSOCK_OP_RW, PORT, LOCAL);

		cr_assert(memcmp(guest.payload, data + got, p.len) == 0);
		got += p.len;
	}
	check_eq(got, sizeof(data));
	close(fd);
}

/* More connections than are possible at a time, one after the other: nothing is left behind. */
Test(vsock_unix, connections_come_and_go, .init = setup, .fini = teardown)
{
	uint32_t port;

	for (unsigned i = 0; i < 2 * VSOCK_UNIX_CHANNELS; i++) {
		int fd = connected_client(&port);

		guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, port);
		check_str(heard(fd), "");
		close(fd);
	}
}

/*
 * bad input: Socket device: all programs on the host end at once, while data is under way in both
 * directions -> the guest gets what they sent, and then the end of each connection; nothing stays
 * open
 */
Test(vsock_unix, all_peers_die_at_once, .init = setup, .fini = teardown)
{
	static uint8_t data[GUEST_BUFFER];
	static int fds[VSOCK_MAX_CONNECTIONS];
	uint32_t ports[VSOCK_MAX_CONNECTIONS], said = 0, ends = 0;

	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		fds[i] = connected_client(&ports[i]);
		guest_ring(&guest, VSOCK_RX);
		guest_send_data(&guest, LOCAL, ports[i], data, sizeof(data));
	}
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++) {
		check_eq(write(fds[i], "last", 4), 4);
		close(fds[i]);
	}
	for (unsigned i = 0; i < 10; i++) {
		settle();
		while (guest_waiting(&guest)) {
			struct vsock_packet p = guest_take(&guest);

			said += p.len;
			ends += p.op == VIRTIO_VSOCK_OP_SHUTDOWN && p.flags == VSOCK_SHUTDOWN_BOTH;
		}
		guest_ring(&guest, VSOCK_RX);
	}
	check_eq(said, 4 * VSOCK_MAX_CONNECTIONS);
	check_eq(ends, VSOCK_MAX_CONNECTIONS);
	for (unsigned i = 0; i < VSOCK_MAX_CONNECTIONS; i++)
		guest_send(&guest, VIRTIO_VSOCK_OP_RST, LOCAL, ports[i]);
	settle();
	for (unsigned i = 0; i < VSOCK_UNIX_CHANNELS; i++)
		check_eq(side.channels[i].fd, 0, "channel %u", i);
	close(connected_client(&ports[0]));
}

/* With --chroot, the guest's connections go to the same place by the name that it has then. */
Test(vsock_unix, path_below_another_root)
{
	static const struct {
		const char *socket, *chroot, *expected;
	} cases[] = {
		{ "socket", "", "/socket" },
		{ "dir/socket", "", "/dir/socket" },
		{ "dir/../dir/./socket", "", "/dir/socket" },
		{ "dir/socket", "/dir", "/socket" },
		{ "dir/socket", "/dir/", "/socket" },
		{ "link/socket", "/dir", "/socket" },
	};
	char dir[64], link[64], root[96], name[96], relative[96];

	make_directory();
	driver_host_init(&guest.host);
	snprintf(dir, sizeof(dir), "%s/dir", directory);
	snprintf(link, sizeof(link), "%s/link", directory);
	check_eq(mkdir(dir, 0700), 0);
	check_eq(symlink("dir", link), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, cases[i].socket);
		snprintf(root, sizeof(root), "%s%s", directory, cases[i].chroot);
		check_eq(try_init(name, root, ""), 0);
		check_str(side.path, cases[i].expected);
		vsock_unix_fini(&side);
	}
	snprintf(name, sizeof(name), "%s/socket", dir);
	check_eq(try_init(name, "/", ""), 0);
	check_str(side.path, name);
	vsock_unix_fini(&side);
	check_eq(chdir(dir), 0);
	check_eq(try_init("socket", directory, ""), 0);
	check_str(side.path, "/dir/socket");
	vsock_unix_fini(&side);
	check_eq(try_init("socket", NULL, ""), 0);
	check_str(side.path, "socket");
	vsock_unix_fini(&side);
	/* Names that only begin alike, and other places. */
	snprintf(relative, sizeof(relative), "%s/di", directory);
	check_eq(mkdir(relative, 0700), 0);
	check_eq(try_init("socket", relative, "is not below --chroot"), -EINVAL);
	check_eq(try_init(path, dir, "is not below --chroot"), -EINVAL);
	check_eq(try_init("/nowhere/socket", directory, "No such file"), -ENOENT);
	check_eq(try_init(path, "/nowhere", "--chroot /nowhere: No such file"), -ENOENT);
	rmdir(relative);
	unlink(link);
	rmdir(dir);
	driver_host_fini(&guest.host);
	check_eq(rmdir(directory), 0, "something was left there");
}

Test(vsock_unix, socket_is_in_use)
{
	struct driver_host host;
	struct listener other;
	static const struct listener_ops ops;
	struct error err = { 0 };

	make_directory();
	driver_host_init(&host);
	check_eq(listener_open(&other, &ops, &host.loop, path, &err), 0);
	check_eq(try_init(path, NULL, "in use by a running process"), -EADDRINUSE);
	listener_fini(&other);
	driver_host_fini(&host);
	check_eq(rmdir(directory), 0, "something was left there");
}
