// SPDX-License-Identifier: Apache-2.0
/* vmm/snapshot/snapshot_socket.c: both ends in one process. */
#include "vmm/snapshot/snapshot_socket.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(snapshot_socket, .timeout = 10);

static int ends[2], files[3];
static struct snapshot_files got;
static struct error err;

static void setup(void)
{
	check_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	for (unsigned i = 0; i < 3; i++)
		files[i] = memfd_create("file", 0);
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

static int receive(void)
{
	return snapshot_socket_receive(ends[1], &got, "--restore fd:9", &err);
}

Test(snapshot_socket, two_and_three, .init = setup)
{
	for (int own = -1; own <= 0; own++) {
		check_eq(snapshot_socket_send(ends[0], files[0], files[1], own < 0 ? -1 : files[2]),
			 0);
		check_eq(receive(), 0, "%s", err.text);
		cr_assert(is_same(got.state_fd, files[0]));
		cr_assert(is_same(got.memory_fd, files[1]));
		check_eq(got.forked, true);
		if (own < 0)
			check_eq(got.own_fd, 0);
		else
			cr_assert(is_same(got.own_fd, files[2]));
		check_eq(fcntl(got.state_fd, F_GETFD), FD_CLOEXEC);
		snapshot_files_fini(&got);
	}
}

/* bad input: Snapshots: a fork's socket that is closed, full, or no socket -> errors that tell
 * these apart */
Test(snapshot_socket, cannot_be_sent, .init = setup)
{
	int ret = 0;

	check_eq(snapshot_socket_send(files[2], files[0], files[1], -1), -ENOTSOCK);
	check_eq(snapshot_socket_send(socket(AF_INET, SOCK_STREAM, 0), files[0], files[1], -1),
		 -EAFNOSUPPORT);
	for (unsigned i = 0; i < 100000 && ret == 0; i++)
		ret = snapshot_socket_send(ends[0], files[0], files[1], -1);
	cr_assert(ret == -EAGAIN || ret == -ETOOMANYREFS, "%d", ret);
	close(ends[1]);
	check_eq(snapshot_socket_send(ends[0], files[0], files[1], -1), -EPIPE);
}

/* bad input: Snapshots: a fork's message with another number of descriptors, with a pipe among
 * them, or cut off -> refused */
Test(snapshot_socket, hostile, .init = setup)
{
	int pipe_ends[2];

	check_eq(send(ends[0], "mvmmfork", 8, 0), 8);
	shutdown(ends[0], SHUT_WR);
	check_eq(receive(), -EPROTO);
	check_eq(receive(), -EPIPE);
	close(ends[0]);
	close(ends[1]);
	setup();
	check_eq(pipe(pipe_ends), 0);
	check_eq(snapshot_socket_send(ends[0], files[0], pipe_ends[0], -1), 0);
	check_eq(receive(), -EINVAL);
	check_contains(err.text, "memory is not a regular file or memfd");
	snapshot_files_fini(&got);
}
