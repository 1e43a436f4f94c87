// SPDX-License-Identifier: Apache-2.0
/* Sends the messages of sd_notify(3). Start reading at ready_open. */
#include "vmm/host/ready.h"

#include "vmm/base/clock.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* If a service manager does not read, the guest runs after this time all the same. */
#define PATIENCE_NS NS_PER_S

#define STATUS_SIZE 80

/* A path, or '@' and a name without a file: the '@' stands for a byte 0 (unix(7)). */
static int parse_address(const char *text, struct sockaddr_un *address, socklen_t *ret_len)
{
	size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || !text[1])
		return -EAFNOSUPPORT;
	if (len > sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, text, len);
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

/* A connected datagram socket, because the sandbox does not allow connect(2); or -errno. */
static int connect_to(const char *text)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd, ret = parse_address(text, &address, &len);

	if (ret < 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, len) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static void open_notify(struct ready *ready)
{
	const char *where = getenv("NOTIFY_SOCKET");
	int fd;

	if (!where)
		return;
	fd = connect_to(where);
	if (fd < 0)
		log_warning("NOTIFY_SOCKET %s: %s; mvmm cannot notify the service manager when the "
			    "guest runs",
			    where, strerror(-fd));
	else
		ready->notify_fd = fd;
	unsetenv("NOTIFY_SOCKET");
}

static int take_fd(const char *option, int number, int *ret_fd, struct error *err)
{
	int fd;

	if (number < 0)
		return 0;
	fd = file_argument_take_number(option, number, O_WRONLY, err);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int ready_open(struct ready *ready, int fd_number, int guest_fd_number, struct error *err)
{
	int ret;

	open_notify(ready);
	ret = take_fd("--ready-fd", fd_number, &ready->fd, err);
	return ret < 0 ? ret : take_fd("--guest-ready-fd", guest_fd_number, &ready->guest_fd, err);
}

static bool has_room(int fd, uint64_t patience_ns)
{
	const struct timespec patience = clock_timespec(patience_ns);
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	return ppoll(&writable, 1, &patience, NULL) == 1;
}

void ready_await_room(const struct ready *ready)
{
	struct pollfd writable = { .fd = ready->fd, .events = POLLOUT };

	while (ready->fd && poll(&writable, 1, -1) < 0 && errno == EINTR)
		;
}

/* Uses calls that every thread's list of system calls has. */
static void send_text(const struct ready *ready, uint64_t patience_ns, const char *text)
{
	if (!ready->notify_fd)
		return;
	has_room(ready->notify_fd, patience_ns);
	if (write(ready->notify_fd, text, strlen(text)) < 0)
		log_warning("cannot notify NOTIFY_SOCKET: %s", strerror(errno));
}

/* Writes the newline for which the other end of *@fd waits, and closes it. */
static void end_wait(const char *option, int *fd)
{
	if (!*fd)
		return;
	if (write(*fd, "\n", 1) < 0)
		log_warning("%s: cannot write the newline: %s", option, strerror(errno));
	close(*fd);
	*fd = 0;
}

void ready_notify(struct ready *ready, const char *status)
{
	char text[STATUS_SIZE];

	ready->notified = true;
	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	send_text(ready, PATIENCE_NS, text);
	end_wait("--ready-fd", &ready->fd);
}

void ready_notify_status(const struct ready *ready, const char *status)
{
	char text[STATUS_SIZE];

	snprintf(text, sizeof(text), "STATUS=%s", status);
	send_text(ready, 0, text);
}

void ready_notify_guest(struct ready *ready)
{
	ready_notify_status(ready, "The guest is ready");
	/* The event loop waits for nobody. */
	if (ready->guest_fd && !has_room(ready->guest_fd, 0))
		log_warning("--guest-ready-fd: has no room for the newline; nobody reads it");
	else
		end_wait("--guest-ready-fd", &ready->guest_fd);
}

void ready_notify_end(struct ready *ready, int status, const char *why)
{
	char text[640];
	int head;

	if (!ready->notified || !ready->notify_fd)
		return;
	head = snprintf(text, sizeof(text), "STOPPING=1\nEXIT_STATUS=%d\nSTATUS=", status);
	snprintf(text + head, sizeof(text) - (size_t)head, "%s", why);
	/* A newline, as in a file's name, would begin another assignment; and systemd refuses
	 * invalid UTF-8. */
	for (char *c = text + head; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	send_text(ready, PATIENCE_NS, text);
}

void ready_fini(struct ready *ready)
{
	if (ready->notify_fd > 0)
		close(ready->notify_fd);
	if (ready->fd > 0)
		close(ready->fd);
	if (ready->guest_fd > 0)
		close(ready->guest_fd);
	*ready = (struct ready){ 0 };
}
