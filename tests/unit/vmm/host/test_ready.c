// SPDX-License-Identifier: Apache-2.0
/* What a service manager hears, and managers that are not there, do not read or are named badly. */
#include "vmm/host/ready.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

TestSuite(ready, .timeout = 20);

static struct ready ready;
static struct error err;
static char heard[1024];

/* A manager's socket, bound to the name of @len bytes. */
static int listen_at(const char *name, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, len);
	check_eq(bind(fd, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		 0);
	return fd;
}

static const char *receive_text(int fd)
{
	ssize_t n = recv(fd, heard, sizeof(heard) - 1, 0);

	heard[n > 0 ? n : 0] = '\0';
	return n < 0 ? strerror(errno) : heard;
}

/* A manager at the abstract name that follows the @ of @text, and @ready for it. */
static int begin_at(const char *text)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%s", text);
	name[0] = '\0';
	fd = listen_at(name, strlen(text));
	check_eq(setenv("NOTIFY_SOCKET", text, 1), 0);
	check_eq(ready_open(&ready, -1, -1, &err), 0);
	return fd;
}

/* Binds, says where by @text, and listens to all that there is to say. */
static void converse(const char *name, size_t len, const char *text)
{
	int fd = listen_at(name, len);

	check_eq(setenv("NOTIFY_SOCKET", text, 1), 0);
	check_eq(ready_open(&ready, -1, -1, &err), 0);
	cr_assert_null(getenv("NOTIFY_SOCKET"));
	check_str(receive_text(fd), strerror(EAGAIN));
	ready_notify(&ready, "The guest runs");
	check_str(receive_text(fd), "READY=1\nSTATUS=The guest runs");
	ready_notify_status(&ready, "What it does");
	check_str(receive_text(fd), "STATUS=What it does");
	ready_notify_end(&ready, 33, "why");
	check_str(receive_text(fd), "STOPPING=1\nEXIT_STATUS=33\nSTATUS=why");
	ready_fini(&ready);
	close(fd);
}

Test(ready, name_without_a_file)
{
	char name[64], text[64];
	int len = snprintf(name, sizeof(name), "@mvmm-test/%d", getpid());

	strcpy(text, name);
	name[0] = '\0';
	converse(name, (size_t)len, text);
}

Test(ready, names_as_long_as_they_can_be)
{
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	char text[sizeof(name)];
	int len = snprintf(name, sizeof(name), "@%d/", getpid());

	memset(name + len, 'x', sizeof(name) - (size_t)len);
	name[sizeof(name) - 1] = '\0';
	strcpy(text, name);
	name[0] = '\0';
	converse(name, sizeof(name) - 1, text);
	/* Without a byte of 0 behind it. */
	len = snprintf(name, sizeof(name), "/tmp/mvmm-test-%d-", getpid());
	memset(name + len, 'x', sizeof(name) - 1 - (size_t)len);
	converse(name, sizeof(name) - 1, name);
	unlink(name);
}

/*
 * bad input: Launcher: NOTIFY_SOCKET that is not a name of a socket, is too long, or names a socket
 * that does not exist -> a warning, and the guest starts
 */
Test(ready, bad_names)
{
	char longer[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 2];
	const char *const bad[] = {
		"", "@", "/", "relative", "vsock:2:1234", "/nonexistent", "@nobody-at-all", longer,
	};
	unsigned before = open_descriptors();

	memset(longer, 'x', sizeof(longer));
	longer[0] = '@';
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check_eq(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
		check_eq(ready_open(&ready, -1, -1, &err), 0, "%s", bad[i]);
		check_eq(ready.notify_fd, 0, "%s", bad[i]);
		cr_assert_null(getenv("NOTIFY_SOCKET"));
		ready_notify(&ready, "The guest runs");
		ready_notify_end(&ready, 0, "");
		check_eq(open_descriptors(), before);
	}
}

/* bad input: Launcher: NOTIFY_SOCKET whose owner has ended -> a warning, and the guest starts */
Test(ready, manager_that_has_gone)
{
	int fd = begin_at("@mvmm-test-gone");

	cr_assert(ready.notify_fd > 0);
	close(fd);
	ready_notify(&ready, "The guest runs");
	ready_notify_end(&ready, 0, "");
	ready_fini(&ready);
}

/*
 * bad input: Launcher: NOTIFY_SOCKET whose owner does not read -> mvmm waits for a second, and not
 * longer
 */
Test(ready, manager_that_does_not_read)
{
	struct timespec start, now;
	int fd = begin_at("@mvmm-test-full");

	while (send(ready.notify_fd, "x", 1, MSG_DONTWAIT) == 1)
		;
	clock_gettime(CLOCK_MONOTONIC, &start);
	ready_notify(&ready, "The guest runs");
	clock_gettime(CLOCK_MONOTONIC, &now);
	cr_assert(now.tv_sec - start.tv_sec >= 1 && now.tv_sec - start.tv_sec < 10);
	ready_fini(&ready);
	close(fd);
}

/*
 * bad input: Launcher: NOTIFY_SOCKET whose owner does not read while the guest runs -> mvmm does
 * not wait
 */
Test(ready, status_for_a_manager_that_does_not_read)
{
	int fd = begin_at("@mvmm-test-busy");

	driver_log_capture();
	while (send(ready.notify_fd, "x", 1, MSG_DONTWAIT) == 1)
		;
	/* One that waits for good would not return. */
	check_eq(fcntl(ready.notify_fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ready_notify_status(&ready, "What it does");
	check_contains(driver_log_text(), "cannot notify NOTIFY_SOCKET: Resource temporarily");
	check_str(receive_text(fd), "x");
	ready_fini(&ready);
	close(fd);
}

/*
 * bad input: Launcher: the file name in a status for NOTIFY_SOCKET has a newline -> the newline is
 * sent as '?', so it cannot begin another assignment
 */
Test(ready, end_in_one_line)
{
	char why[700];
	int fd = begin_at("@mvmm-test-end");

	ready_notify_end(&ready, 0, "before it was told that there is a beginning");
	check_str(receive_text(fd), strerror(EAGAIN));
	ready_notify(&ready, "The guest runs");
	receive_text(fd);
	ready_notify_end(&ready, 38, "disk a\nMAINPID=1\tb\xff ~");
	check_str(receive_text(fd), "STOPPING=1\nEXIT_STATUS=38\nSTATUS=disk a?MAINPID=1?b? ~");
	memset(why, 'y', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	ready_notify_end(&ready, 38, why);
	receive_text(fd);
	check_eq(strlen(heard), 639);
	ready_fini(&ready);
	close(fd);
}

/* A newline, and the end. */
static void check_newline(int fd)
{
	check_eq(read(fd, heard, sizeof(heard)), 1);
	check_eq(heard[0], '\n');
	check_eq(read(fd, heard, sizeof(heard)), 0);
}

Test(ready, descriptor)
{
	int ends[2];

	check_eq(pipe(ends), 0);
	check_eq(ready_open(&ready, ends[1], -1, &err), 0, "%s", err.text);
	check_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	ready_notify(&ready, "The guest runs");
	check_eq(fcntl(ends[1], F_GETFD), -1);
	check_newline(ends[0]);
	ready_notify_end(&ready, 0, "");
	ready_fini(&ready);
}

Test(ready, guest)
{
	int ready_ends[2], guest_ends[2], fd = listen_at("\0mvmm-test-guest", 16);

	check_eq(pipe(ready_ends), 0);
	check_eq(pipe(guest_ends), 0);
	check_eq(setenv("NOTIFY_SOCKET", "@mvmm-test-guest", 1), 0);
	check_eq(ready_open(&ready, ready_ends[1], guest_ends[1], &err), 0, "%s", err.text);
	ready_notify(&ready, "The guest runs");
	receive_text(fd);
	check_eq(fcntl(guest_ends[1], F_GETFD), FD_CLOEXEC);
	ready_notify_guest(&ready);
	check_str(receive_text(fd), "STATUS=The guest is ready");
	check_newline(guest_ends[0]);
	ready_fini(&ready);
	close(fd);
}

/*
 * bad input: Launcher: a guest that never says that it is ready -> --guest-ready-fd is closed
 * without a newline
 */
Test(ready, guest_that_never_is)
{
	int ends[2];

	check_eq(pipe(ends), 0);
	check_eq(ready_open(&ready, -1, ends[1], &err), 0);
	ready_notify(&ready, "The guest runs");
	ready_notify_end(&ready, 0, "");
	ready_fini(&ready);
	check_eq(read(ends[0], heard, sizeof(heard)), 0);
}

/* bad input: Launcher: the pipe of --guest-ready-fd is full -> a warning, and mvmm does not wait */
Test(ready, guest_descriptor_without_room)
{
	static char full[1 << 16];
	int ends[2];

	driver_log_capture();
	check_eq(pipe(ends), 0);
	check_eq(write(ends[1], full, sizeof(full)), sizeof(full));
	check_eq(ready_open(&ready, -1, ends[1], &err), 0);
	ready_notify_guest(&ready);
	check_contains(driver_log_text(), "--guest-ready-fd: has no room");
	ready_fini(&ready);
}

/* bad input: Launcher: mvmm cannot start -> --ready-fd is closed without a newline */
Test(ready, descriptor_of_a_start_that_fails)
{
	int ends[2];

	check_eq(pipe(ends), 0);
	check_eq(ready_open(&ready, ends[1], -1, &err), 0);
	ready_fini(&ready);
	check_eq(read(ends[0], heard, sizeof(heard)), 0);
	ready_fini(&ready);
}

/*
 * bad input: Launcher: --ready-fd or --guest-ready-fd with a descriptor that is not open, not open
 * for writing or given twice -> refused
 */
Test(ready, bad_descriptors)
{
	int ends[2];

	check_eq(ready_open(&ready, 999, -1, &err), -EBADF);
	check_contains(err.text, "--ready-fd fd:999: is not open");
	check_eq(pipe(ends), 0);
	check_eq(ready_open(&ready, ends[0], -1, &err), -EACCES);
	check_eq(ready_open(&ready, -1, 998, &err), -EBADF);
	check_contains(err.text, "--guest-ready-fd fd:998: is not open");
	check_eq(ready_open(&ready, ends[1], ends[1], &err), -EBUSY);
	check_contains(err.text, "--guest-ready-fd");
	ready_fini(&ready);
}
