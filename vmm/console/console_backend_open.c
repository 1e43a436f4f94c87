// SPDX-License-Identifier: Apache-2.0
/* How each kind of place is opened. Start reading at console_backend_open. */
#include "vmm/console/console_backend.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int open_stdio(struct console_backend *b, struct error *err)
{
	(void)err;
	b->in_fd = STDIN_FILENO;
	b->out_fd = STDOUT_FILENO;
	b->escape_key = isatty(STDIN_FILENO);
	return 0;
}

/*
 * Nobody waits for the reader of a FIFO: with both its ends open it takes output before he comes
 * and after he has gone. What several places put into one file is all in it, behind each other.
 */
static int how_to_open(const char *path)
{
	struct stat st;
	mode_t kind = stat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;

	if (kind == S_IFIFO)
		return O_RDWR;
	/* A terminal, for one, would hold the loop up: see terminal_unblock. */
	return kind == S_IFCHR ? O_WRONLY | O_NOCTTY | O_NONBLOCK
			       : O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
}

static int open_file(struct console_backend *b, struct error *err)
{
	b->out_fd = open(b->config->path, how_to_open(b->config->path) | O_CLOEXEC, 0666);
	if (b->out_fd < 0)
		return error_set(err, errno, "%s file=%s: cannot open for writing: %s",
				 b->config->option, b->config->path, strerror(errno));
	b->owned_fds[0] = b->out_fd;
	return 0;
}

static int open_unix(struct console_backend *b, struct error *err)
{
	struct error reason = { 0 };
	int ret = control_socket_listen(&b->socket, &console_backend_socket_ops, b->loop,
					b->config->path, &reason);

	return ret < 0 ? error_set(err, -ret, "%s unix:%s", b->config->option, reason.text) : 0;
}

/*
 * The other end is kept open, so that programs can come and go there without anybody noticing. It
 * is raw from the start, or it would echo what the guest writes back to it.
 */
static int open_pty(struct console_backend *b, struct error *err)
{
	struct termios raw = { .c_cflag = CS8 | CREAD | B38400 };
	char name[64] = "";
	int fds[2];

	cfmakeraw(&raw);
	if (openpty(&fds[0], &fds[1], name, &raw, NULL) < 0)
		return error_set(err, errno, "%s pty: cannot open a pseudo-terminal: %s",
				 b->config->option, strerror(errno));
	memcpy(b->owned_fds, fds, sizeof(fds));
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* A write to a terminal would block, not wait as a pipe's does, and hold a thread. */
	fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK);
	b->in_fd = b->out_fd = fds[0];
	log_warning("%s pty: the console is at %s", b->config->option, name);
	return 0;
}

/* A regular file's bytes are no input where it was opened to be written. */
static int open_fd(struct console_backend *b, struct error *err)
{
	int flags = fcntl(atoi(b->config->path + strlen("fd:")), F_GETFL);
	int access = flags < 0 ? O_RDWR : flags & O_ACCMODE, listens = 0, fd;
	socklen_t len = sizeof(listens);
	struct stat st;

	fd = file_argument_take(b->config->option, b->config->path, access, err);
	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens) {
		control_socket_adopt(&b->socket, &console_backend_socket_ops, b->loop, fd);
		return 0;
	}
	b->owned_fds[0] = fd;
	if (access != O_RDONLY)
		b->out_fd = fd;
	/* As how_to_open says; the launcher keeps it, if at all, for another use. */
	if (isatty(fd))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (access == O_RDONLY || (access == O_RDWR && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
		b->in_fd = fd;
	return 0;
}

int console_backend_open(struct console_backend *b, const struct config_backend *config,
			 const struct console_backend_ops *ops, struct event_loop *loop,
			 pthread_mutex_t *lock, int wake_fd, struct error *err)
{
	static int (*const open_kind[])(struct console_backend *, struct error *) = {
		[CONFIG_BACKEND_STDIO] = open_stdio, [CONFIG_BACKEND_FILE] = open_file,
		[CONFIG_BACKEND_UNIX] = open_unix,   [CONFIG_BACKEND_PTY] = open_pty,
		[CONFIG_BACKEND_FD] = open_fd,
	};

	console_backend_init(b, config, ops, loop, lock, wake_fd, -1, -1);
	return open_kind[config->kind](b, err);
}
