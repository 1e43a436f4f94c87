/* SPDX-License-Identifier: Apache-2.0 */
/* HMP with one client: a greeting, and a prompt for each line, which a terminal can edit. */
#pragma once

#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"

#include <stdbool.h>

#define HMP_SESSION_PROMPT "(mvmm) "

/*
 * Greets a client and serves it until it disconnects; then the session frees itself. @terminal: a
 * person types there, in raw mode. For the rest see control_connection_init. *@ret_connection,
 * unless that is NULL, is for control_connection_feed. -ENOMEM.
 */
int hmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned, bool terminal,
	      struct control_connection **ret_connection);

/*
 * Shows the prompt when the user switches to the session of @connection, which hmp_serve returned.
 * A session with @in_fd -1 greets only now, so that it does not disturb the console's output.
 */
void hmp_session_show(struct control_connection *connection);

/* Whether a line is edited on a terminal, so that other text has to be printed in its place. */
bool hmp_session_edits(struct control_connection *connection);

/* Prints @bytes, whole lines, where the edited line is, and shows that again below them. */
void hmp_session_print(struct control_connection *connection, const char *bytes, size_t len);

/* The user has switched away: removes the edited line from the terminal. */
void hmp_session_hide(struct control_connection *connection);
