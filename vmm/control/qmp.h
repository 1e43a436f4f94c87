/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QMP, QEMU's machine protocol, with one client: greeting, negotiation, commands, events. As QEMU
 * 7.2 does it; each answer is one line of JSON that ends with "\r\n".
 */
#ifndef MVMM_VMM_QMP_H
#define MVMM_VMM_QMP_H

#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"

/*
 * Greets a client on @in_fd and @out_fd and serves it until it goes; then the session frees itself.
 * For the rest see control_connection_init. -ENOMEM.
 */
int qmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned);

#endif
