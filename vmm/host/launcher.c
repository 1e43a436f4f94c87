// SPDX-License-Identifier: Apache-2.0
/* Watches the program that started mvmm. Start reading at launcher_init. */
#include "vmm/host/launcher.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The parent's process id at the start. Once the parent has ended, getppid() returns another. */
static pid_t parent;

void launcher_note_parent(void)
{
	parent = getppid();
}

static void await_end(struct launcher *launcher)
{
	event_loop_read(launcher->loop, &launcher->read, launcher->fd, launcher->bytes,
			sizeof(launcher->bytes));
}

static void was_read(struct event_op *op, int result)
{
	struct launcher *launcher = container_of(op, struct launcher, read);

	if (result == -EAGAIN) /* a non-blocking one */
		event_loop_poll(launcher->loop, &launcher->readable, launcher->fd, POLLIN);
	else if (result > 0 || result == -EINTR)
		await_end(launcher);
	else
		launcher->ops->gone(launcher);
}

static void became_readable(struct event_op *op, int result)
{
	await_end(container_of(op, struct launcher, readable));
}

static int check_kind(int fd, int number, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return 0;
	return error_set(err, EINVAL,
			 "--life-fd %d: is neither a pipe nor a socket; give the reading end of a "
			 "pipe whose other end the launcher keeps open",
			 number);
}

int launcher_init(struct launcher *launcher, const struct launcher_ops *ops,
		  struct event_loop *loop, int fd_number, struct error *err)
{
	int fd, ret;

	*launcher = (struct launcher){
		.ops = ops, .loop = loop, .readable.done = became_readable, .read.done = was_read
	};
	if (fd_number < 0)
		return 0;
	fd = file_argument_take_number("--life-fd", fd_number, O_RDONLY, err);
	if (fd < 0)
		return fd;
	ret = error_blame_option(err, check_kind(fd, fd_number, err));
	if (ret < 0) {
		close(fd);
		return ret;
	}
	launcher->fd = fd;
	await_end(launcher);
	return 0;
}

int launcher_watch_parent(struct launcher *launcher, struct error *err)
{
	launcher->parent = true;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return error_set(err, errno, "--die-with-parent: %s", strerror(errno));
	/* It may have ended before, unseen. */
	if (launcher_parent_has_ended(launcher))
		kill(getpid(), SIGTERM);
	return 0;
}

bool launcher_parent_has_ended(const struct launcher *launcher)
{
	return launcher->parent && getppid() != parent;
}

void launcher_fini(struct launcher *launcher)
{
	if (launcher->fd > 0)
		close(launcher->fd);
	launcher->fd = 0;
}
