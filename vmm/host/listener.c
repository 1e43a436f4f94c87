// SPDX-License-Identifier: Apache-2.0
/* Listens at a UNIX socket. Start reading at listener_open. */
#include "vmm/host/listener.h"

#include "vmm/base/container_of.h"
#include "vmm/base/parent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 128
#define PAUSE_NS (100 * NS_PER_MS)

static void await_client(struct listener *listener)
{
	event_loop_poll(listener->loop, &listener->readable, listener->fd, POLLIN);
}

static void client_waits(struct event_op *op, int result)
{
	struct listener *listener = container_of(op, struct listener, readable);
	int fd;

	fd = accept4(listener->fd, NULL, NULL,
		     SOCK_CLOEXEC | (listener->nonblocking ? SOCK_NONBLOCK : 0));
	if (fd >= 0) {
		listener->ops->accepted(listener, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* Most likely no descriptor is free: the client waits until one is. */
		event_loop_arm(listener->loop, &listener->later, PAUSE_NS);
		return;
	}
	if (!listener->held)
		await_client(listener);
}

void listener_resume(struct listener *listener)
{
	listener->held = false;
	await_client(listener);
}

static void try_again(struct event_timer *timer)
{
	await_client(container_of(timer, struct listener, later));
}

/* Whether the process that listens at the other end of @fd has ended. */
static bool owner_has_ended(int fd)
{
	struct ucred owner = { 0 };
	socklen_t size = sizeof(owner);
	struct pollfd ended = { .events = POLLIN };

	/* A process of another PID namespace has no id here: assume that it has ended. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) < 0 || owner.pid <= 0)
		return true;
	ended.fd = (int)syscall(SYS_pidfd_open, owner.pid, 0);
	if (ended.fd < 0)
		return errno == ESRCH;
	poll(&ended, 1, 0);
	close(ended.fd);
	return ended.revents & POLLIN;
}

/* Connects to @address: 0 or a positive errno. After 0, *@ret_ended says that the owner has ended.
 */
static int probe(const struct sockaddr_un *address, bool *ret_ended)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		ret = errno;
	else if (owner_has_ended(fd))
		*ret_ended = true;
	close(fd);
	return ret;
}

/*
 * After a process has ended, the kernel closes its io_uring, and with it the socket, a bit later.
 * So if the owner has ended, the socket disappears within moments, unless another process has it
 * too.
 */
static int probe_patiently(const struct sockaddr_un *address)
{
	const struct timespec pause = { .tv_nsec = 10 * NS_PER_MS };
	bool ended = false;
	int ret = probe(address, &ended);

	for (unsigned i = 0; i < 200 && ended && (ret == 0 || ret == EAGAIN); i++) {
		nanosleep(&pause, NULL);
		ret = probe(address, &ended);
	}
	return ret;
}

/* Removes a socket file that nobody listens at any more. -errno: @address is in use. */
static int clear_address(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int ret;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(
			err, EEXIST,
			"%s: a file that is not a socket exists there; remove it, or use another "
			"path",
			path);
	ret = probe_patiently(address);
	if (ret == ENOENT)
		return 0;
	if (ret != ECONNREFUSED)
		return error_set(err, EADDRINUSE,
				 "%s: in use by a running process; end it, or use "
				 "another path",
				 path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, errno,
				 "%s: cannot replace the socket that was left there: %s", path,
				 strerror(errno));
	return 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, struct error *err)
{
	const struct sockaddr *plain = (const struct sockaddr *)address;
	int ret = bind(fd, plain, sizeof(*address));

	if (ret < 0 && errno == EADDRINUSE) {
		ret = clear_address(address, err);
		if (ret < 0)
			return ret;
		ret = bind(fd, plain, sizeof(*address));
	}
	if (ret < 0 || listen(fd, BACKLOG) < 0)
		return error_set(err, errno, "%s: cannot listen there: %s", address->sun_path,
				 strerror(errno));
	return 0;
}

/* Remembers which file it is, so that listener_fini does not remove another one. */
static void note_file(struct listener *listener, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	listener->dir_fd = parent_directory_open(path, O_PATH);
	if (listener->dir_fd < 0) {
		listener->dir_fd = 0;
		return;
	}
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	listener->name = parent_directory_name(listener->path);
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	listener->leftover = leftovers_add(listener->dir_fd, listener->name, &st);
}

int listener_open(struct listener *listener, const struct listener_ops *ops,
		  struct event_loop *loop, const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG,
				 "%s: a socket's path has 1 to %zu bytes; change to its directory "
				 "and give a relative one",
				 path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, errno, "%s: cannot make a socket: %s", path, strerror(errno));
	/* Linux gives the file the socket's mode, so that it never has a wider one. */
	fchmod(fd, 0600);
	ret = bind_and_listen(fd, &address, err);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	listener_adopt(listener, ops, loop, fd);
	note_file(listener, path);
	return 0;
}

void listener_adopt(struct listener *listener, const struct listener_ops *ops,
		    struct event_loop *loop, int fd)
{
	*listener = (struct listener){
		.ops = ops,
		.loop = loop,
		.fd = fd,
		.readable.done = client_waits,
		.later.due = try_again,
	};
	/* Others may share a socket that was passed to us, and may accept a client before us. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	await_client(listener);
}

bool listener_file(const struct listener *listener, struct kept_file *ret_file)
{
	if (!listener->path[0])
		return false;
	*ret_file = (struct kept_file){ listener->dir_fd, listener->name, listener->path, 0 };
	return true;
}

void listener_fini(struct listener *listener)
{
	struct stat st;

	event_loop_cancel(listener->loop, &listener->later);
	if (listener->fd > 0)
		close(listener->fd);
	if (listener->path[0] &&
	    fstatat(listener->dir_fd, listener->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == listener->device && st.st_ino == listener->inode)
		unlinkat(listener->dir_fd, listener->name, 0);
	leftovers_forget(listener->leftover);
	if (listener->dir_fd > 0)
		close(listener->dir_fd);
	*listener = (struct listener){ 0 };
}
