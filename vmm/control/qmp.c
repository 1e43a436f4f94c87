// SPDX-License-Identifier: Apache-2.0
/* A QMP session. Start reading at take_input and handle_request. */
#include "vmm/control/qmp.h"

#include "vmm/base/container_of.h"
#include "vmm/base/log.h"
#include "vmm/control/json_stream.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_events.h"
#include "vmm/control/qmp_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct qmp_session {
	struct control_connection connection;
	struct monitor_listener listener;
	struct monitor *monitor; /* borrowed */
	struct json_stream stream;
	bool negotiated;
	bool oob;	   /* the client asked for out-of-band commands */
	bool waiting;	   /* an answer follows when the VM has stopped */
	json_t *answer;	   /* owned: that answer, and the id it goes with; or NULL */
	json_t *answer_id; /* owned, or NULL */
};

/* What a client asks for. The members are borrowed from the request, NULL where it lacks them. */
struct request {
	const char *command;
	bool oob;
	json_t *arguments;
	json_t *id;
};

static void send_value(struct qmp_session *session, json_t *value)
{
	struct buffer line = { 0 };

	if (value && qmp_json_print(value, &line) == 0)
		control_connection_send(&session->connection, line.data, line.len);
	else
		log_warning("out of memory: an answer to a QMP client is lost");
	json_decref(value);
	buffer_fini(&line);
}

static void send_error(struct qmp_session *session, json_t *id, const char *class, const char *text)
{
	json_t *reply = json_object();

	/* The id comes first here and last with "return", as QEMU has it. */
	if (id)
		json_object_set(reply, "id", id);
	json_object_set_new(reply, "error",
			    json_pack("{s:s,s:o}", "class", class, "desc", qmp_json_string(text)));
	send_value(session, reply);
}

/* Takes @answer. */
static void send_return(struct qmp_session *session, json_t *id, json_t *answer)
{
	json_t *reply = json_object();

	json_object_set_new(reply, "return", answer ? answer : json_object());
	if (id)
		json_object_set(reply, "id", id);
	send_value(session, reply);
}

static void greet(struct qmp_session *session)
{
	send_value(session, json_pack("{s:{s:o,s:[s]}}", "QMP", "version", qmp_commands_version(),
				      "capabilities", "oob"));
}

/* One member of a request. */
static int read_member(const struct qmp_session *session, struct request *request, const char *name,
		       json_t *value, struct error *err)
{
	bool oob = session->oob && strcmp(name, "exec-oob") == 0;

	if (strcmp(name, "id") == 0) {
		request->id = value;
	} else if (strcmp(name, "arguments") == 0) {
		if (!json_is_object(value))
			return error_set(err, EINVAL,
					 "QMP input member 'arguments' must be an object");
		request->arguments = value;
	} else if (strcmp(name, "execute") == 0 || oob) {
		if (!json_is_string(value))
			return error_set(err, EINVAL, "QMP input member '%s' must be a string",
					 name);
		if (request->command)
			return error_set(err, EINVAL, "QMP input member '%s' clashes with '%s'",
					 name, oob ? "execute" : "exec-oob");
		/* A name with a NUL in it is no command's. */
		request->command = strlen(json_string_value(value)) == json_string_length(value)
					   ? json_string_value(value)
					   : "";
		request->oob = oob;
	} else {
		return error_set(err, EINVAL, "QMP input member '%s' is unexpected", name);
	}
	return 0;
}

static int read_request(const struct qmp_session *session, json_t *value, struct request *request,
			struct error *err)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value))
		return error_set(err, EINVAL, "QMP input must be a JSON object");
	/* Found even if another member is wrong: the error is to carry it. */
	request->id = json_object_get(value, "id");
	json_object_foreach(value, name, member)
	{
		int ret = read_member(session, request, name, member, err);

		if (ret < 0)
			return ret;
	}
	if (!request->command)
		return error_set(err, EINVAL, "QMP input lacks member 'execute'");
	return 0;
}

static void negotiate(struct qmp_session *session, const struct request *request)
{
	if (session->negotiated) {
		send_error(session, request->id, "CommandNotFound",
			   "Capabilities negotiation is already complete, command ignored");
		return;
	}
	session->oob = json_array_size(json_object_get(request->arguments, "enable")) > 0;
	session->negotiated = true;
	send_return(session, request->id, NULL);
}

static void run_command(struct qmp_session *session, const struct qmp_command *command,
			const struct request *request)
{
	struct error err = { 0 };
	json_t *answer = NULL;
	int ret = qmp_commands_run(command, session->monitor, request->arguments, &answer, &err);

	if (ret < 0) {
		json_decref(answer);
		send_error(session, request->id, ret == -ENODEV ? "DeviceNotFound" : "GenericError",
			   err.text);
	} else if (!command->run) {
		negotiate(session, request);
	} else if (ret == 1) {
		session->waiting = true;
		session->answer = answer;
		session->answer_id = json_incref(request->id);
		control_connection_hold(&session->connection);
	} else {
		send_return(session, request->id, answer);
	}
}

static void dispatch(struct qmp_session *session, const struct request *request)
{
	const struct qmp_command *command = qmp_commands_find(request->command);
	char text[256];

	if (!session->negotiated && (!command || command->run)) {
		send_error(session, request->id, "CommandNotFound",
			   "Expecting capabilities negotiation with 'qmp_capabilities'");
	} else if (!command) {
		snprintf(text, sizeof(text), "The command %s has not been found", request->command);
		send_error(session, request->id, "CommandNotFound", text);
	} else if (request->oob) {
		/* All commands are quick, so that none needs to overtake another. */
		snprintf(text, sizeof(text), "The command %s does not support OOB",
			 request->command);
		send_error(session, request->id, "GenericError", text);
	} else {
		run_command(session, command, request);
	}
}

static void handle_request(struct qmp_session *session, const char *text, size_t len)
{
	struct request request = { 0 };
	struct error err = { 0 };
	json_t *value = NULL;
	int ret = qmp_json_parse(text, len, &value, &err);

	if (ret == 0)
		ret = read_request(session, value, &request, &err);
	if (ret < 0)
		send_error(session, request.id, "GenericError", err.text);
	else
		dispatch(session, &request);
	json_decref(value);
}

static size_t take_input(struct control_connection *connection, const char *bytes, size_t len)
{
	struct qmp_session *session = container_of(connection, struct qmp_session, connection);
	struct json_stream *stream = &session->stream;
	enum json_stream_result result;
	size_t taken;

	if (session->waiting)
		return 0;
	taken = json_stream_feed(stream, bytes, len, &result);
	if (result == JSON_STREAM_VALUE)
		handle_request(session, stream->text.data, stream->text.len);
	else if (result != JSON_STREAM_MORE)
		send_error(session, NULL, "GenericError", stream->error.text);
	if (result == JSON_STREAM_FULL)
		control_connection_end(connection);
	return taken;
}

static void forget_answer(struct qmp_session *session)
{
	json_decref(session->answer_id);
	session->answer_id = NULL;
	session->answer = NULL;
	session->waiting = false;
}

static void hear_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	struct qmp_session *session = container_of(listener, struct qmp_session, listener);

	if (session->negotiated)
		send_value(session, qmp_events_make(event));
	if (session->waiting && event->type == MONITOR_EVENT_STOP) {
		send_return(session, session->answer_id, session->answer);
		forget_answer(session);
		control_connection_resume(&session->connection);
	}
}

static void session_closed(struct control_connection *connection)
{
	struct qmp_session *session = container_of(connection, struct qmp_session, connection);

	monitor_unlisten(session->monitor, &session->listener);
	json_stream_fini(&session->stream);
	json_decref(session->answer);
	forget_answer(session);
	free(session);
}

static const struct control_connection_ops connection_ops = {
	.input = take_input,
	.closed = session_closed,
};

int qmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned)
{
	struct qmp_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->monitor = monitor;
	session->listener.event = hear_event;
	json_stream_init(&session->stream);
	control_connection_init(&session->connection, &connection_ops, clients, loop, in_fd, out_fd,
				owned);
	monitor_listen(monitor, &session->listener);
	greet(session);
	control_connection_start(&session->connection);
	return 0;
}
