// SPDX-License-Identifier: Apache-2.0
/* Listening sockets: their files, who is there already, who comes. */
#include "vmm/host/listener.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(control_socket, .timeout = 10);

static struct driver_host host;
static struct control_socket sock;
static char directory[] = "/tmp/mvmm-test-XXXXXX";
static char path[64];
static int last_fd;
static unsigned n_accepted;

static void accepted(struct control_socket *s, int fd)
{
	check_eq(s, &sock);
	last_fd = fd;
	n_accepted++;
}

static const struct control_socket_ops ops = { .accepted = accepted };

static void setup(void)
{
	driver_host_init(&host);
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
}

static void teardown(void)
{
	unlink(path);
	check_eq(rmdir(directory), 0, "something was left there");
}

static int try_listen(struct control_socket *s, const char *where, const char *error)
{
	struct error err = { 0 };
	int ret = control_socket_listen(s, &ops, &host.loop, where, &err);

	check_contains(err.text, error);
	return ret;
}

static int try_connect(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static bool exists(void)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

Test(control_socket, accepts, .init = setup, .fini = teardown)
{
	char byte = 0;
	int fd;

	check_eq(try_listen(&sock, path, ""), 0);
	for (unsigned i = 1; i <= 3; i++) {
		fd = try_connect(path);
		cr_assert(fd >= 0);
		driver_settle(&host);
		check_eq(n_accepted, i);
	}
	check_eq(write(fd, "x", 1), 1);
	check_eq(read(last_fd, &byte, 1), 1);
	check_eq(byte, 'x');
	check_eq(fcntl(last_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

Test(control_socket, only_the_owner_may, .init = setup, .fini = teardown)
{
	struct stat st;

	umask(0);
	check_eq(try_listen(&sock, path, ""), 0);
	check_eq(lstat(path, &st), 0);
	check_eq(st.st_mode, S_IFSOCK | 0600);
}

Test(control_socket, removes_its_file, .init = setup, .fini = teardown)
{
	check_eq(try_listen(&sock, path, ""), 0);
	cr_assert(exists());
	event_loop_fini(&host.loop);
	control_socket_fini(&sock);
	cr_assert(!exists());
	control_socket_fini(&sock);
}

/* Another mvmm has taken the place meanwhile. */
Test(control_socket, leaves_another_ones_file, .init = setup, .fini = teardown)
{
	static struct control_socket second;

	check_eq(try_listen(&sock, path, ""), 0);
	unlink(path);
	check_eq(try_listen(&second, path, ""), 0);
	control_socket_fini(&sock);
	cr_assert(exists());
	control_socket_fini(&second);
	cr_assert(!exists());
}

/* bad input: Control socket: its path is in use -> refused, the other's socket stays */
Test(control_socket, somebody_listens, .init = setup, .fini = teardown)
{
	static struct control_socket second;

	check_eq(try_listen(&sock, path, ""), 0);
	check_eq(try_listen(&second, path, "in use by a running process"), -EADDRINUSE);
	control_socket_fini(&second);
	cr_assert(try_connect(path) >= 0, "the first is as it was");
}

Test(control_socket, replaces_a_dead_one, .init = setup, .fini = teardown)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	check_eq(try_connect(path), -ECONNREFUSED);
	check_eq(try_listen(&sock, path, ""), 0);
	cr_assert(try_connect(path) >= 0);
}

/* bad input: Control socket: its path is a file or a dangling link -> refused, the file stays */
Test(control_socket, keeps_other_files, .init = setup, .fini = teardown)
{
	char text[8] = "";
	int fd = open(path, O_CREAT | O_RDWR, 0600);

	check_eq(write(fd, "mine", 4), 4);
	check_eq(try_listen(&sock, path, "no socket"), -EEXIST);
	check_eq(pread(fd, text, 4, 0), 4);
	check_str(text, "mine");
	cr_assert(exists());
	unlink(path);
	check_eq(symlink("/nowhere/at/all", path), 0);
	check_eq(try_listen(&sock, path, "no socket"), -EEXIST);
	cr_assert(exists());
}

/* bad input: Control socket: its path is empty, too long or nowhere -> refused */
Test(control_socket, bad_paths, .init = setup, .fini = teardown)
{
	char longest[200];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_eq(try_listen(&sock, longest, "1 to 107 bytes"), -ENAMETOOLONG);
	check_eq(try_listen(&sock, "", "1 to 107 bytes"), -ENAMETOOLONG);
	check_eq(try_listen(&sock, "/nowhere/at/all", "No such file or directory"), -ENOENT);
	check_eq(sock.fd, 0);
}

Test(control_socket, adopted, .init = setup, .fini = teardown)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	check_eq(listen(fd, 8), 0);
	control_socket_adopt(&sock, &ops, &host.loop, fd);
	cr_assert(try_connect(path) >= 0);
	driver_settle(&host);
	check_eq(n_accepted, 1);
	/* Another process was quicker: nothing waits for the next. */
	check_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	control_socket_fini(&sock);
	cr_assert(exists(), "it is not ours to remove");
}

/* Without descriptors the client waits, and is served once there is one. */
/*
 * bad input: Control socket: EMFILE at a new client -> it waits, and is served once there is a
 * descriptor
 */
Test(control_socket, out_of_descriptors, .init = setup, .fini = teardown)
{
	struct rlimit limit, none;
	int fd;

	check_eq(try_listen(&sock, path, ""), 0);
	fd = try_connect(path);
	cr_assert(fd >= 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	sock.pause.tv_nsec = 1000000;
	setrlimit(RLIMIT_NOFILE, &none);
	for (unsigned i = 0; i < 100; i++)
		driver_settle(&host);
	check_eq(n_accepted, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	while (!n_accepted)
		driver_settle(&host);
}
