// SPDX-License-Identifier: Apache-2.0
/* Listens at a UNIX socket. Start reading at control_socket_listen. */
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
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static void await_client(struct control_socket *s)
{
	event_loop_poll(s->loop, &s->readable, s->fd, POLLIN);
}

static void client_waits(struct event_op *op, int result)
{
	struct control_socket *s = container_of(op, struct control_socket, readable);
	int fd;

	(void)result;
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | (s->nonblocking ? SOCK_NONBLOCK : 0));
	if (fd >= 0) {
		s->ops->accepted(s, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* Most likely out of descriptors: the client waits until one is free. */
		event_loop_delay(s->loop, &s->later, &s->pause);
		return;
	}
	if (!s->held)
		await_client(s);
}

void control_socket_resume(struct control_socket *s)
{
	s->held = false;
	await_client(s);
}

static void try_again(struct event_op *op, int result)
{
	(void)result;
	await_client(container_of(op, struct control_socket, later));
}

/* Makes room at @address: 0 if what was there is dead and gone, or the reason why not. */
static int clear_address(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, ret;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST,
				 "%s: there is a file that is no socket; remove it, "
				 "or use another path",
				 path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, errno, "%s: cannot make a socket: %s", path, strerror(errno));
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
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

/* Remembers which file it is, so that the end does not remove another's. */
static void note_file(struct control_socket *s, const char *path)
{
	const char *slash;
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	s->dir_fd = parent_directory_open(path, O_PATH);
	if (s->dir_fd < 0) {
		s->dir_fd = 0;
		return;
	}
	snprintf(s->path, sizeof(s->path), "%s", path);
	slash = strrchr(s->path, '/');
	s->name = slash ? slash + 1 : s->path;
	s->device = st.st_dev;
	s->inode = st.st_ino;
}

int control_socket_listen(struct control_socket *s, const struct control_socket_ops *ops,
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
	/* Linux makes the file with the socket's mode: never wider, not even for a moment. */
	fchmod(fd, 0600);
	ret = bind_and_listen(fd, &address, err);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	control_socket_adopt(s, ops, loop, fd);
	note_file(s, path);
	return 0;
}

void control_socket_adopt(struct control_socket *s, const struct control_socket_ops *ops,
			  struct event_loop *loop, int fd)
{
	*s = (struct control_socket){
		.ops = ops,
		.loop = loop,
		.fd = fd,
		.readable.done = client_waits,
		.later.done = try_again,
		.pause.tv_nsec = 100000000,
	};
	/* Others may share a socket that was passed to us, and be quicker. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	await_client(s);
}

bool control_socket_file(const struct control_socket *s, struct sandbox_file *ret_file)
{
	if (!s->path[0])
		return false;
	*ret_file = (struct sandbox_file){ s->dir_fd, s->name, s->path, false };
	return true;
}

void control_socket_fini(struct control_socket *s)
{
	struct stat st;

	if (s->fd > 0)
		close(s->fd);
	if (s->path[0] && fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == s->device && st.st_ino == s->inode)
		unlinkat(s->dir_fd, s->name, 0);
	if (s->dir_fd > 0)
		close(s->dir_fd);
	*s = (struct control_socket){ 0 };
}
