// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/control/test_hmp.c.
/* An HMP session. Start reading at consume_input. */
#include "vmm/control/hmp_session.h"

#include "vmm/base/container_of.h"
#include "vmm/control/hmp.h"
#include "vmm/control/hmp_line.h"

#include <errno.h>
#include <stdlib.h>

struct hmp_session {
	struct control_connection connection;
	struct monitor_listener listener;
	struct monitor *monitor; /* borrowed */
	struct hmp_line line;
	bool greeted;
	int waiting; /* MONITOR_WAIT_*, before the next prompt; or 0 */
};

static void send_buffer(struct hmp_session *session, struct buffer *out)
{
	control_connection_send(&session->connection, out->data, out->len);
	buffer_fini(out);
}

static void send_prompt(struct hmp_session *session)
{
	struct buffer out = { 0 };

	hmp_line_begin(&session->line, &out);
	send_buffer(session, &out);
}

/* Ends lines as terminals want it, and frees @text. */
static void send_text(struct hmp_session *session, struct buffer *text)
{
	struct buffer out = { 0 };

	buffer_append_crlf(&out, buffer_text(text), text->len);
	buffer_fini(text);
	send_buffer(session, &out);
}

static void run_line(struct hmp_session *session)
{
	struct buffer text = { 0 };
	int ret = 0;

	if (session->line.overlong)
		buffer_printf(&text, "Error: a line has at most %d bytes\n", HMP_LINE_MAX);
	else
		ret = hmp_run(session->monitor, session->line.text, &text);
	send_text(session, &text);
	if (ret) {
		session->waiting = ret;
		control_connection_hold(&session->connection);
	} else {
		send_prompt(session);
	}
}

/* Consumes up to the end of a line. */
static size_t consume_input(struct control_connection *connection, const char *bytes, size_t len)
{
	struct hmp_session *session = container_of(connection, struct hmp_session, connection);
	struct buffer echo = { 0 };
	size_t taken = 0;
	bool ended = false;

	if (session->waiting)
		return 0;
	while (taken < len && !ended)
		ended = hmp_line_key(&session->line, bytes[taken++], &echo);
	send_buffer(session, &echo);
	if (ended)
		run_line(session);
	return taken;
}

static void handle_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	struct hmp_session *session = container_of(listener, struct hmp_session, listener);
	struct buffer text = { 0 };

	if (!monitor_wait_ends(session->waiting, event))
		return;
	session->waiting = 0;
	hmp_finish(event, &text);
	send_text(session, &text);
	send_prompt(session);
	control_connection_resume(&session->connection);
}

static void session_closed(struct control_connection *connection)
{
	struct hmp_session *session = container_of(connection, struct hmp_session, connection);

	monitor_unlisten(session->monitor, &session->listener);
	hmp_line_fini(&session->line);
	free(session);
}

static const struct control_connection_ops connection_ops = {
	.input = consume_input,
	.closed = session_closed,
};

void hmp_session_show(struct control_connection *connection)
{
	static const char greeting[] =
		MONITOR_PACKAGE " monitor - type 'help' for more information\r\n";
	struct hmp_session *session = container_of(connection, struct hmp_session, connection);

	if (!session->greeted)
		control_connection_send(connection, greeting, sizeof(greeting) - 1);
	else
		control_connection_send(connection, "\r\n", 2);
	session->greeted = true;
	if (!session->waiting)
		send_prompt(session);
}

bool hmp_session_edits(struct control_connection *connection)
{
	return container_of(connection, struct hmp_session, connection)->line.echo;
}

void hmp_session_print(struct control_connection *connection, const char *bytes, size_t len)
{
	struct hmp_session *session = container_of(connection, struct hmp_session, connection);
	struct buffer out = { 0 };

	if (!session->waiting)
		hmp_line_hide(&session->line, &out);
	buffer_append(&out, bytes, len);
	/* A piece of a line that is too long to wait for its end. */
	if (len && bytes[len - 1] != '\n')
		buffer_append(&out, "\r\n", 2);
	if (!session->waiting)
		hmp_line_show(&session->line, &out);
	send_buffer(session, &out);
}

void hmp_session_hide(struct control_connection *connection)
{
	struct hmp_session *session = container_of(connection, struct hmp_session, connection);
	struct buffer out = { 0 };

	hmp_line_hide(&session->line, &out);
	send_buffer(session, &out);
}

int hmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned, bool terminal,
	      struct control_connection **ret_connection)
{
	struct hmp_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->monitor = monitor;
	session->listener.event = handle_event;
	hmp_line_init(&session->line, HMP_SESSION_PROMPT, terminal);
	session->line.match = hmp_match;
	control_connection_init(&session->connection, &connection_ops, clients, loop, in_fd, out_fd,
				owned);
	monitor_listen(monitor, &session->listener);
	if (in_fd >= 0)
		hmp_session_show(&session->connection);
	control_connection_start(&session->connection);
	if (ret_connection)
		*ret_connection = &session->connection;
	return 0;
}
