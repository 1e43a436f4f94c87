/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UNIX socket that listens, on the event loop. Whoever may connect controls the VM, so the
 * socket's file is its owner's only (mode 600).
 */
#ifndef MVMM_VMM_CONTROL_SOCKET_H
#define MVMM_VMM_CONTROL_SOCKET_H

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/sandbox/sandbox.h"

#include <stdbool.h>
#include <sys/types.h>

struct control_socket;

struct control_socket_ops {
	/*
	 * Somebody connected; @fd is the callee's. Sets @held where the next ones are to wait for
	 * control_socket_resume.
	 */
	void (*accepted)(struct control_socket *socket, int fd);
};

struct control_socket {
	const struct control_socket_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* owned; 0: none */
	bool nonblocking;	 /* what it accepts; the caller's to set */
	char path[108];		 /* "": not ours to remove */
	const char *name;	 /* its last part */
	int dir_fd;		 /* owned: where it is, also once the root directory is another */
	dev_t device;		 /* with inode: which file it was when we made it */
	ino_t inode;
	bool held;
	struct event_op readable, later;
	struct __kernel_timespec pause;
};

/*
 * Listens at @path. A socket file that nobody listens at any more is replaced. -EADDRINUSE if
 * somebody does, -EEXIST if it is no socket, or another -errno; each with @err set.
 */
int control_socket_listen(struct control_socket *socket, const struct control_socket_ops *ops,
			  struct event_loop *loop, const char *path, struct error *err);

/* The same for @fd, which listens already and becomes the socket's. */
void control_socket_adopt(struct control_socket *socket, const struct control_socket_ops *ops,
			  struct event_loop *loop, int fd);

/* Sets @ret_file to the file that the end removes; false if there is none. */
bool control_socket_file(const struct control_socket *socket, struct sandbox_file *ret_file);

/* Lets the next one connect, after @held. */
void control_socket_resume(struct control_socket *socket);

/* Takes a zeroed one. Removes the file if it is still ours. */
void control_socket_fini(struct control_socket *socket);

#endif
