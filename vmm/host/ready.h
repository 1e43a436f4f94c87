/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifies the program that started mvmm when the guest runs, when its user space is up and when it
 * has ended: by the protocol of sd_notify(3), if the environment has a NOTIFY_SOCKET, and by a line
 * to --ready-fd and --guest-ready-fd. libsystemd is not needed for that: it is a socket and a line
 * of text.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>

struct ready {
	int notify_fd; /* owned; 0: there is no NOTIFY_SOCKET */
	int fd;	       /* owned; 0: there is no --ready-fd */
	int guest_fd;  /* owned; 0: there is no --guest-ready-fd */
	bool notified; /* ready_notify was called */
};

/*
 * Connects to NOTIFY_SOCKET, if there is one, and removes it from the environment; takes descriptor
 * @fd_number and @guest_fd_number, unless these are -1. Call it before the sandbox and before
 * namespaces change, because later the socket cannot be found. If NOTIFY_SOCKET does not work, that
 * is only logged. -errno with @err set: the descriptor cannot be taken.
 */
int ready_open(struct ready *ready, int fd_number, int guest_fd_number, struct error *err);

/*
 * Waits without a limit until the descriptor has room for what ready_notify writes. Call it while
 * signals and --timeout still end the start.
 */
void ready_await_room(const struct ready *ready);

/*
 * Sends READY=1 and @status, and a newline to the descriptor, which is then closed. Call it when
 * nothing can fail any more before the guest runs. If NOTIFY_SOCKET is full, it waits for a second.
 */
void ready_notify(struct ready *ready, const char *status);

/* Sends what the VM does now. Does not wait: if NOTIFY_SOCKET is full, the status is lost. */
void ready_notify_status(const struct ready *ready, const char *status);

/*
 * The guest's user space is up: sends that as a status, and a newline to the guest's descriptor,
 * which is then closed. Does not wait, either.
 */
void ready_notify_guest(struct ready *ready);

/* Sends STOPPING=1, the reason and the exit status, if ready_notify was called before. */
void ready_notify_end(struct ready *ready, int status, const char *why);

/* Takes a zeroed one. */
void ready_fini(struct ready *ready);
