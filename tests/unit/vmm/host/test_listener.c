// SPDX-License-Identifier: Apache-2.0
/* Listening sockets: their files, who is there already, who comes. */
#include "vmm/host/listener.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(listener, .timeout = 10);

static struct driver_host host;
static struct listener sock;
static char directory[] = "/tmp/mvmm-test-XXXXXX";
static char path[64];
static int last_fd;
static unsigned n_accepted;

static void accepted(struct listener *s, int fd)
{
	check_eq(s, &sock);
	last_fd = fd;
	n_accepted++;
}

static const struct listener_ops ops = { .accepted = accepted };

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

static int try_listen(struct listener *s, const char *where, const char *error)
{
	struct error err = { 0 };
	int ret = listener_open(s, &ops, &host.loop, where, &err);

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

Test(listener, accepts, .init = setup, .fini = teardown)
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

Test(listener, only_the_owner_may, .init = setup, .fini = teardown)
{
	struct stat st;

	umask(0);
	check_eq(try_listen(&sock, path, ""), 0);
	check_eq(lstat(path, &st), 0);
	check_eq(st.st_mode, S_IFSOCK | 0600);
}

Test(listener, removes_its_file, .init = setup, .fini = teardown)
{
	check_eq(try_listen(&sock, path, ""), 0);
	cr_assert(exists());
	event_loop_fini(&host.loop);
	listener_fini(&sock);
	cr_assert(!exists());
	listener_fini(&sock);
}

/* Another mvmm has taken the place meanwhile. */
Test(listener, leaves_another_ones_file, .init = setup, .fini = teardown)
{
	static struct listener second;

	check_eq(try_listen(&sock, path, ""), 0);
	unlink(path);
	check_eq(try_listen(&second, path, ""), 0);
	listener_fini(&sock);
	cr_assert(exists());
	listener_fini(&second);
	cr_assert(!exists());
}

/* A socket at the path that still listens, though the process that made it listen has ended. */
static int orphan(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), status;
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	pid = fork();
	if (pid == 0)
		_exit(listen(fd, 8) < 0);
	check_eq(waitpid(pid, &status, 0), pid);
	check_eq(status, 0);
	return fd;
}

/* As the kernel does when it takes the io_uring of a killed mvmm down. */
static void *close_after_a_client(void *arg)
{
	int *fd = arg, client = accept(*fd, NULL, NULL);

	close(client);
	close(*fd);
	return NULL;
}

Test(listener, waits_for_the_socket_of_a_process_that_ended, .init = setup, .fini = teardown)
{
	int fd = orphan();
	pthread_t thread;

	check_eq(pthread_create(&thread, NULL, close_after_a_client, &fd), 0);
	check_eq(try_listen(&sock, path, ""), 0);
	pthread_join(thread, NULL);
	listener_fini(&sock);
}

/*
 * bad input: Control socket: a socket whose path belongs to a process that has ended, while another
 * process still has the socket -> refused
 */
Test(listener, leaves_an_inherited_socket_alone, .init = setup, .fini = teardown)
{
	int fd = orphan();

	check_eq(try_listen(&sock, path, "in use by a running process"), -EADDRINUSE);
	cr_assert(exists());
	close(fd);
}

/*
 * bad input: Control socket: a socket whose path is in use -> refused, and the socket of the other
 * process stays
 */
Test(listener, somebody_listens, .init = setup, .fini = teardown)
{
	static struct listener second;

	check_eq(try_listen(&sock, path, ""), 0);
	check_eq(try_listen(&second, path, "in use by a running process"), -EADDRINUSE);
	listener_fini(&second);
	cr_assert(try_connect(path) >= 0, "the first is as it was");
}

Test(listener, replaces_a_dead_one, .init = setup, .fini = teardown)
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

/*
 * bad input: Control socket: a socket whose path is a file or a dangling link -> refused, and the
 * file or link stays
 */
Test(listener, keeps_other_files, .init = setup, .fini = teardown)
{
	char text[8] = "";
	int fd = open(path, O_CREAT | O_RDWR, 0600);

	check_eq(write(fd, "mine", 4), 4);
	check_eq(try_listen(&sock, path, "a file that is not a socket"), -EEXIST);
	check_eq(pread(fd, text, 4, 0), 4);
	check_str(text, "mine");
	cr_assert(exists());
	unlink(path);
	check_eq(symlink("/nowhere/at/all", path), 0);
	check_eq(try_listen(&sock, path, "a file that is not a socket"), -EEXIST);
	cr_assert(exists());
}

/*
 * bad input: Control socket: a socket whose path is empty, too long or in a directory that does not
 * exist -> refused
 */
Test(listener, bad_paths, .init = setup, .fini = teardown)
{
	char longest[200];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_eq(try_listen(&sock, longest, "1 to 107 bytes"), -ENAMETOOLONG);
	check_eq(try_listen(&sock, "", "1 to 107 bytes"), -ENAMETOOLONG);
	check_eq(try_listen(&sock, "/nowhere/at/all", "No such file or directory"), -ENOENT);
	check_eq(sock.fd, 0);
}

Test(listener, adopted, .init = setup, .fini = teardown)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	check_eq(listen(fd, 8), 0);
	listener_adopt(&sock, &ops, &host.loop, fd);
	cr_assert(try_connect(path) >= 0);
	driver_settle(&host);
	check_eq(n_accepted, 1);
	/* Another process was quicker: nothing waits for the next. */
	check_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	listener_fini(&sock);
	cr_assert(exists(), "it is not ours to remove");
}

/* Without descriptors the client waits, and is served once there is one. */
/*
 * bad input: Control socket: a client connects when no descriptor is left (EMFILE) -> the client
 * waits, and is served once there is a descriptor
 */
Test(listener, out_of_descriptors, .init = setup, .fini = teardown)
{
	struct rlimit limit, none;
	int fd;

	check_eq(try_listen(&sock, path, ""), 0);
	fd = try_connect(path);
	cr_assert(fd >= 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	for (unsigned i = 0; i < 3; i++) {
		while (!event_loop_armed(&sock.later))
			driver_settle(&host);
		check_eq(n_accepted, 0);
		sock.later.at_ns = 1; /* it is due at once */
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	while (!n_accepted)
		driver_settle(&host);
}
