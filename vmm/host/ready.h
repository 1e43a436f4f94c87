/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells whoever started mvmm when the guest runs, and when it is over: by the protocol of
 * sd_notify(3), where the environment has a NOTIFY_SOCKET, and by a line to --ready-fd. Without
 * libsystemd: of its library that is a socket and one line of text.
 */
#ifndef MVMM_VMM_READY_H
#define MVMM_VMM_READY_H

#include "vmm/base/error.h"

#include <stdbool.h>

struct ready {
	int notify_fd; /* owned; 0: nobody asks */
	int fd;	       /* owned; 0: likewise */
	bool told;
};

/*
 * Connects to NOTIFY_SOCKET, if there is one, and takes it out of the environment; takes descriptor
 * @fd_number, if that is not NULL. Before the sandbox, and before namespaces are changed, in which
 * the socket would not be found. A NOTIFY_SOCKET that does not work is only logged. -errno with
 * @err set: the descriptor cannot be taken.
 */
int ready_open(struct ready *ready, const char *fd_number, struct error *err);

/*
 * READY=1, and a newline to the descriptor, which is then closed: nothing can fail any more before
 * the guest runs. Waits for a full NOTIFY_SOCKET for a second.
 */
void ready_tell(struct ready *ready);

/* STOPPING=1, why in a line, and the exit status, if it was told that the guest runs. */
void ready_tell_end(struct ready *ready, int status, const char *why);

/* Takes a zeroed one. */
void ready_fini(struct ready *ready);

#endif
