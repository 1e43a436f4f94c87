/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening UNIX socket, on the event loop. Whoever can connect controls the VM, so only the
 * owner can use the socket's file (mode 600).
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/kept_file.h"
#include "vmm/base/leftovers.h"

#include <stdbool.h>
#include <sys/types.h>

struct listener;

struct listener_ops {
	/*
	 * A client connected; @fd is the callee's. Sets @held to make the next clients wait for
	 * listener_resume.
	 */
	void (*accepted)(struct listener *listener, int fd);
};

struct listener {
	const struct listener_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* owned; 0: none */
	bool nonblocking;	 /* accepted sockets are; set by the caller */
	char path[108];		 /* "": there is no file to remove */
	const char *name;	 /* its last part */
	int dir_fd;		 /* owned: its directory, also after a chroot */
	dev_t device;		 /* with inode: which file listener_open made */
	ino_t inode;
	struct leftover *leftover; /* owned, or NULL */
	bool held;
	struct event_op readable;
	struct event_timer later;
};

/*
 * Listens at @path. A socket file that nobody listens at any more is replaced. -EADDRINUSE if
 * somebody listens, -EEXIST if it is not a socket, or another -errno; each with @err set.
 */
int listener_open(struct listener *listener, const struct listener_ops *ops,
		  struct event_loop *loop, const char *path, struct error *err);

/* Listens with @fd, a listening socket, which then belongs to @listener. */
void listener_adopt(struct listener *listener, const struct listener_ops *ops,
		    struct event_loop *loop, int fd);

/* Sets @ret_file to the file that listener_fini removes; false if there is none. */
bool listener_file(const struct listener *listener, struct kept_file *ret_file);

/* Accepts clients again, after @held. */
void listener_resume(struct listener *listener);

/* Takes a zeroed one. Removes the socket's file, unless it was replaced meanwhile. */
void listener_fini(struct listener *listener);
