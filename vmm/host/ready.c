// SPDX-License-Identifier: Apache-2.0
/* Sends what sd_notify(3) describes. Start reading at ready_open. */
#include "vmm/host/ready.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager that does not read must not keep the guest from running for ever. */
#define PATIENCE_S 1

/* A path, or with '@' in the place of its first byte, 0, a name without a file (unix(7)). */
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

/* A datagram socket that is connected, since the sandbox lets nobody connect; or -errno. */
static int connect_to(const char *text)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address;
	socklen_t len;
	int fd, ret = parse_address(text, &address, &len);

	if (ret < 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, len) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0)
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
		log_warning("NOTIFY_SOCKET %s: %s; whoever started mvmm is not told when the guest "
			    "runs",
			    where, strerror(-fd));
	else
		ready->notify_fd = fd;
	unsetenv("NOTIFY_SOCKET");
}

int ready_open(struct ready *ready, const char *fd_number, struct error *err)
{
	char text[32];
	int fd;

	open_notify(ready);
	if (!fd_number)
		return 0;
	snprintf(text, sizeof(text), "fd:%s", fd_number);
	fd = file_argument_take("--ready-fd", text, O_WRONLY, err);
	if (fd < 0)
		return fd;
	ready->fd = fd;
	return 0;
}

/* write(2), which is on every thread's list of system calls. */
static void notify(const struct ready *ready, const char *text)
{
	if (ready->notify_fd && write(ready->notify_fd, text, strlen(text)) < 0)
		log_warning("NOTIFY_SOCKET: %s", strerror(errno));
}

void ready_tell(struct ready *ready)
{
	ready->told = true;
	notify(ready, "READY=1\nSTATUS=The guest runs");
	if (!ready->fd)
		return;
	if (write(ready->fd, "\n", 1) < 0)
		log_warning("--ready-fd: %s", strerror(errno));
	close(ready->fd);
	ready->fd = 0;
}

void ready_tell_end(struct ready *ready, int status, const char *why)
{
	char text[640];
	int head;

	if (!ready->told || !ready->notify_fd)
		return;
	head = snprintf(text, sizeof(text), "STOPPING=1\nEXIT_STATUS=%d\nSTATUS=", status);
	snprintf(text + head, sizeof(text) - (size_t)head, "%s", why);
	/* A newline, in a file's name say, would begin another assignment, and what is no UTF-8 is
	 * not taken. */
	for (char *c = text + head; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	notify(ready, text);
}

void ready_fini(struct ready *ready)
{
	if (ready->notify_fd > 0)
		close(ready->notify_fd);
	if (ready->fd > 0)
		close(ready->fd);
	*ready = (struct ready){ 0 };
}
