// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/console/test_console_sink.c.
/* Opens each kind of sink. Start reading at console_sink_open. */
#include "vmm/console/console_sink.h"

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

static int open_stdio(struct console_sink *sink, struct error *err)
{
	sink->in_fd = STDIN_FILENO;
	sink->out_fd = STDOUT_FILENO;
	sink->escape_key = isatty(STDIN_FILENO);
	return 0;
}

/*
 * A FIFO is opened for both reading and writing, so that nobody waits for its reader, and output is
 * kept before the reader comes and after it has gone. Several sinks append to one file.
 */
static int how_to_open(const struct config_sink *sink)
{
	struct stat st;
	mode_t kind = stat(sink->path, &st) == 0 ? st.st_mode & S_IFMT : 0;

	if (kind == S_IFIFO)
		return O_RDWR;
	/* A blocking write to a terminal would hold up the loop: see terminal_unblock. */
	return kind == S_IFCHR ? O_WRONLY | O_NOCTTY | O_NONBLOCK
			       : O_WRONLY | O_CREAT | O_APPEND | (sink->saved ? 0 : O_TRUNC);
}

static int open_file(struct console_sink *sink, struct error *err)
{
	sink->out_fd = open(sink->config->path, how_to_open(sink->config) | O_CLOEXEC, 0666);
	if (sink->out_fd < 0)
		return error_system(err, errno, "%s file=%s: cannot open for writing",
				    sink->config->option, sink->config->path);
	sink->owned_fds[0] = sink->out_fd;
	return 0;
}

static int open_unix(struct console_sink *sink, struct error *err)
{
	struct error reason = { 0 };
	int ret = listener_open(&sink->listener, &console_sink_socket_ops, sink->loop,
				sink->config->path, &reason);

	return ret < 0 ? error_set(err, -ret, "%s unix:%s", sink->config->option, reason.text) : 0;
}

/*
 * The other end is kept open, so that programs can come and go there unnoticed. It is raw from the
 * start; otherwise it would echo the guest's output back to the guest.
 */
static int open_pty(struct console_sink *sink, struct error *err)
{
	struct termios raw = { .c_cflag = CS8 | CREAD | B38400 };
	char name[64] = "";
	int fds[2];

	cfmakeraw(&raw);
	if (openpty(&fds[0], &fds[1], name, &raw, NULL) < 0)
		return error_system(err, errno, "%s pty: cannot open a pseudo-terminal",
				    sink->config->option);
	memcpy(sink->owned_fds, fds, sizeof(fds));
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* A blocking write to a terminal would hold a thread, unlike one to a pipe. */
	fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK);
	sink->in_fd = sink->out_fd = fds[0];
	log_warning("%s pty: the console is at %s", sink->config->option, name);
	return 0;
}

/* If a regular file was opened for writing, its bytes are not input. */
static int open_fd(struct console_sink *sink, struct error *err)
{
	int flags = fcntl(atoi(sink->config->path + strlen("fd:")), F_GETFL);
	int access = flags < 0 ? O_RDWR : flags & O_ACCMODE, listens = 0, fd;
	socklen_t len = sizeof(listens);
	struct stat st;

	fd = file_argument_take(sink->config->option, sink->config->path, access, err);
	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens) {
		listener_adopt(&sink->listener, &console_sink_socket_ops, sink->loop, fd);
		return 0;
	}
	sink->owned_fds[0] = fd;
	if (access != O_RDONLY)
		sink->out_fd = fd;
	/* As in how_to_open. The launcher does not use this terminal at the same time. */
	if (isatty(fd))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (access == O_RDONLY || (access == O_RDWR && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
		sink->in_fd = fd;
	return 0;
}

int console_sink_open(struct console_sink *sink, const struct config_sink *config,
		      const struct console_sink_ops *ops, struct event_loop *loop,
		      pthread_mutex_t *lock, int wake_fd, struct error *err)
{
	static int (*const open_kind[])(struct console_sink *, struct error *) = {
		[CONFIG_SINK_STDIO] = open_stdio, [CONFIG_SINK_FILE] = open_file,
		[CONFIG_SINK_UNIX] = open_unix,	  [CONFIG_SINK_PTY] = open_pty,
		[CONFIG_SINK_FD] = open_fd,
	};

	console_sink_init(sink, config, ops, loop, lock, wake_fd, -1, -1);
	return open_kind[config->kind](sink, err);
}
