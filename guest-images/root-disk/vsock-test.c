// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets between the guest and its host in the root disk images, by Linux's own driver: each
 * command plays one part and says by its status whether it went well. Start at main.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES 500000 /* more than all buffers on the way have room for */

static void __attribute__((noreturn)) fail(const char *what)
{
	printf("MVMM-TEST FAIL vsock: %s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

static struct sockaddr_vm address(unsigned cid, const char *port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = (unsigned)atoi(port),
	};
}

static int open_socket(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static int connect_host(const char *port)
{
	struct sockaddr_vm to = address(VMADDR_CID_HOST, port);
	int fd = open_socket();

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	return fd;
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i + i / 256 * 3);
}

/* Sends everything, and then that there is no more, while the parent reads it all back. */
static void send_pattern(int fd)
{
	static uint8_t data[BYTES];

	for (size_t i = 0; i < BYTES; i++)
		data[i] = pattern(i);
	for (size_t done = 0; done < BYTES;) {
		ssize_t n = write(fd, data + done, BYTES - done);

		if (n <= 0)
			fail("write");
		done += (size_t)n;
	}
	if (shutdown(fd, SHUT_WR) < 0)
		fail("shutdown");
	_exit(0);
}

/* The host's echo server goes on after the half-close, up to the last byte. */
static void command_echo(const char *port)
{
	int fd = connect_host(port);
	uint8_t data[4096];
	size_t done = 0;
	ssize_t n;

	if (fork() == 0)
		send_pattern(fd);
	while ((n = read(fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++, done++)
			if (data[i] != pattern(done))
				fail("a byte has changed");
	if (n < 0 || done != BYTES)
		fail("not all has come back");
	printf("mvmm-guest: %zu bytes came back from the host\n", done);
}

/* Counts what the host's client sends until it half-closes, and then says how much it was. */
static void command_count(const char *port)
{
	struct sockaddr_vm here = address(VMADDR_CID_ANY, port);
	int listener = open_socket(), fd;
	char data[4096];
	size_t count = 0;
	ssize_t n;

	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listener, 1) < 0)
		fail("listen");
	printf("mvmm-guest: counting at port %s\n", port);
	fflush(stdout);
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		fail("accept");
	while ((n = read(fd, data, sizeof(data))) > 0)
		count += (size_t)n;
	if (n < 0)
		fail("read");
	if (dprintf(fd, "%zu bytes\n", count) < 0)
		fail("write");
	close(fd);
}

/* The host's peer says its last words and is killed: they come, then the end, then EPIPE. */
static void command_death(const char *port)
{
	int fd = connect_host(port);
	char data[64];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, data + len, sizeof(data) - len)) > 0)
		len += (size_t)n;
	if (n < 0 || len != 10 || memcmp(data, "last words", 10) != 0)
		fail("the last words");
	for (unsigned i = 0; send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++) {
		if (i == 100)
			fail("writes to a dead peer go on");
		usleep(50000);
	}
	if (errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN)
		fail("a write to a dead peer");
	printf("mvmm-guest: the host's last words were heard\n");
}

static void command_refused(const char *port)
{
	struct sockaddr_vm to = address(VMADDR_CID_HOST, port);

	if (connect(open_socket(), (struct sockaddr *)&to, sizeof(to)) == 0 || errno != ECONNRESET)
		fail("a connection where nobody listens");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *port);
	} commands[] = {
		{ "echo", command_echo },
		{ "count", command_count },
		{ "death", command_death },
		{ "refused", command_refused },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && argc == 3; i++)
		if (strcmp(argv[1], commands[i].name) == 0) {
			commands[i].run(argv[2]);
			return 0;
		}
	printf("usage: vsock-test echo | count | death | refused PORT\n");
	return 1;
}
