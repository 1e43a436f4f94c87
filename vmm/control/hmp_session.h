/* SPDX-License-Identifier: Apache-2.0 */
/* HMP with one client: a greeting, then a prompt for each line. On a terminal, lines can be edited.
 */
#ifndef MVMM_VMM_HMP_SESSION_H
#define MVMM_VMM_HMP_SESSION_H

#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"

#include <stdbool.h>

#define HMP_SESSION_PROMPT "(mvmm) "

/*
 * Greets a client and serves it until it goes; then the session frees itself. @terminal: a person
 * types there, in raw mode. For the rest see control_connection_init. *@ret_connection, unless that
 * is NULL, is for control_connection_feed. -ENOMEM.
 */
int hmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned, bool terminal,
	      struct control_connection **ret_connection);

/*
 * The user turns to a session that hmp_serve returned as @connection: shows the prompt. One with
 * @in_fd -1 greets only now, so as not to disturb what else is printed there.
 */
void hmp_session_show(struct control_connection *connection);

#endif
