/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QMP, QEMU's machine protocol, with one client: greeting, negotiation, commands, events, as in
 * QEMU 7.2. Each answer is one line of JSON that ends with "\r\n".
 */
#pragma once

#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"

/* The longest id of a request, in bytes of the answer. */
#define QMP_MAX_ID (64u << 10)

/*
 * Greets a client on @in_fd and @out_fd and serves it until it disconnects; then the session frees
 * itself. For the rest see control_connection_init. -ENOMEM.
 */
int qmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned);
