// SPDX-License-Identifier: Apache-2.0
/* A QMP session. Start reading at consume_input and handle_request. */
#include "vmm/control/qmp.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_lock.h"
#include "vmm/base/json_text.h"
#include "vmm/control/hmp.h"
#include "vmm/control/json_stream.h"
#include "vmm/control/named_files.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_events.h"
#include "vmm/control/qmp_schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct qmp_session {
	struct control_connection connection;
	struct monitor_listener listener;
	struct monitor *monitor; /* borrowed */
	struct json_stream stream;
	bool negotiated;
	bool oob;	      /* the client enabled out-of-band commands */
	int waiting;	      /* MONITOR_WAIT_*: when an answer is due; or 0 */
	struct buffer answer; /* that answer, as text: it counts among what all clients use */
	json_t *waiting_id;   /* owned: the id of a job, which may fail; one client has that */
	struct named_files files;
	bool waiting_hmp; /* the job is HMP's, whose errors are text */
};

/* A client's request. The members are borrowed from its JSON; NULL if it lacks them. */
struct request {
	const char *command;
	bool oob;
	json_t *arguments;
	json_t *id;
};

static void send_value(struct qmp_session *session, json_t *value)
{
	struct buffer line = { 0 };

	if (value && json_text_print(value, &line) == 0)
		control_connection_send(&session->connection, line.data, line.len);
	else
		log_guest(&session->connection.clients->limit,
			  "out of memory: an answer to a QMP client is lost");
	json_decref(value);
	buffer_fini(&line);
}

static void send_error(struct qmp_session *session, json_t *id, const char *class, const char *text)
{
	json_t *reply = json_object();

	/* QEMU puts the id first here, and last in an object with "return". */
	if (id)
		json_object_set(reply, "id", id);
	json_object_set_new(reply, "error",
			    json_pack("{s:s,s:o}", "class", class, "desc", json_text_string(text)));
	send_value(session, reply);
}

/* Takes ownership of @answer. */
static json_t *make_return(json_t *id, json_t *answer)
{
	json_t *reply = json_object();

	json_object_set_new(reply, "return", answer ? answer : json_object());
	if (id)
		json_object_set(reply, "id", id);
	return reply;
}

/* Takes ownership of @answer. */
static void send_return(struct qmp_session *session, json_t *id, json_t *answer)
{
	send_value(session, make_return(id, answer));
}

/* Likewise, at the event that @wait, MONITOR_WAIT_*, is for. */
static void keep_return(struct qmp_session *session, json_t *id, json_t *answer, int wait)
{
	json_t *reply = make_return(id, answer);
	int ret = json_text_print(reply, &session->answer);

	json_decref(reply);
	if (ret < 0) {
		buffer_fini(&session->answer);
		send_error(session, NULL, "GenericError",
			   "all clients together use as much memory as they can have");
		control_connection_end(&session->connection);
		return;
	}
	session->waiting = wait;
	if (wait == MONITOR_WAIT_JOB)
		session->waiting_id = json_incref(id);
	control_connection_hold(&session->connection);
}

static void greet(struct qmp_session *session)
{
	send_value(session, json_pack("{s:{s:o,s:[s]}}", "QMP", "version", qmp_commands_version(),
				      "capabilities", "oob"));
}

/* Reads one member of a request. */
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
		/* A name with a NUL in it is not a command's name. */
		request->command = strlen(json_string_value(value)) == json_string_length(value)
					   ? json_string_value(value)
					   : "";
		request->oob = oob;
	} else {
		return error_set(err, EINVAL, "QMP input member '%s' is unexpected", name);
	}
	return 0;
}

/* An id comes back in the answer, which must fit into what a client that reads can be sent. */
static int check_id(const json_t *id, struct error *err)
{
	struct buffer text = { .limit = QMP_MAX_ID };
	int ret = json_text_print(id, &text);

	buffer_fini(&text);
	if (ret < 0)
		return error_set(
			err, EMSGSIZE,
			"QMP input member 'id' is longer than %u bytes as the answer has it",
			QMP_MAX_ID);
	return 0;
}

static int read_request(const struct qmp_session *session, json_t *value, struct request *request,
			struct error *err)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value))
		return error_set(err, EINVAL, "QMP input must be a JSON object");
	/* Read first, because an error about another member has to carry the id. */
	member = json_object_get(value, "id");
	if (member && check_id(member, err) < 0)
		return -EMSGSIZE;
	request->id = member;
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

static void send_schema(struct qmp_session *session, const struct request *request)
{
	send_return(session, request->id, qmp_schema());
}

/* Takes ownership of @answer. If @ret is MONITOR_WAIT_*, it is sent then. */
static void finish(struct qmp_session *session, const struct request *request, int ret,
		   json_t *answer, const struct error *err)
{
	if (ret < 0) {
		json_decref(answer);
		send_error(session, request->id, ret == -ENODEV ? "DeviceNotFound" : "GenericError",
			   err->text);
	} else if (ret > 0) {
		keep_return(session, request->id, answer, ret);
	} else {
		send_return(session, request->id, answer);
	}
}

/* A text among arguments that were checked; NULL if it is not there. */
static const char *argument(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->arguments, name));
}

static int check_cpu_index(struct monitor *monitor, json_t *arguments, struct error *err)
{
	json_t *cpu_index = json_object_get(arguments, "cpu-index");
	struct monitor_cpu cpu;

	if (cpu_index &&
	    (json_integer_value(cpu_index) < 0 ||
	     monitor->ops->cpu(monitor, (unsigned)json_integer_value(cpu_index), &cpu) < 0))
		return error_set(err, EINVAL, "Parameter 'cpu-index' expects a CPU number");
	return 0;
}

static void run_hmp(struct qmp_session *session, const struct request *request)
{
	const char *line = argument(request, "command-line");
	struct buffer out = { 0 }, crlf = { 0 };
	struct error err = { 0 };
	json_t *answer = NULL;
	int ret = check_cpu_index(session->monitor, request->arguments, &err);

	if (ret == 0) {
		ret = hmp_run(session->monitor, line, &out);
		buffer_append_crlf(&crlf, buffer_text(&out), out.len);
		answer = json_text_string(buffer_text(&crlf));
	}
	buffer_fini(&out);
	buffer_fini(&crlf);
	session->waiting_hmp = true;
	finish(session, request, ret, answer, &err);
}

static void get_fd(struct qmp_session *session, const struct request *request)
{
	struct error err;
	int ret = named_files_name(&session->files, argument(request, "fdname"), &err);

	finish(session, request, ret, NULL, &err);
}

static void close_fd(struct qmp_session *session, const struct request *request)
{
	struct error err;
	int ret = named_files_close(&session->files, argument(request, "fdname"), &err);

	finish(session, request, ret, NULL, &err);
}

/* Both descriptors, or none: those that were taken are closed then. */
static int take_both(struct qmp_session *session, const struct request *request,
		     struct monitor_save *ret, struct error *err)
{
	ret->state_fd = named_files_take(&session->files, argument(request, "state"), err);
	if (ret->state_fd < 0)
		return ret->state_fd;
	ret->memory_fd = named_files_take(&session->files, argument(request, "memory"), err);
	if (ret->memory_fd < 0)
		file_lock_close(ret->state_fd);
	return ret->memory_fd < 0 ? ret->memory_fd : 0;
}

static void save(struct qmp_session *session, const struct request *request)
{
	struct monitor_save to = { .path = argument(request, "path") };
	bool state = argument(request, "state"), memory = argument(request, "memory");
	struct error err;
	int ret;

	if (state != memory || (to.path ? state : !state))
		ret = error_set(&err, EINVAL,
				"vm-save: needs path, or state and memory, which name descriptors "
				"that getfd has got");
	else
		ret = to.path ? 0 : take_both(session, request, &to, &err);
	if (ret == 0)
		ret = monitor_save(session->monitor, &to, &err);
	finish(session, request, ret, NULL, &err);
}

static void fork_vm(struct qmp_session *session, const struct request *request)
{
	json_t *names = json_object_get(request->arguments, "fdnames");
	int sockets[NAMED_FILES_MAX], ret = 0;
	unsigned n = 0;
	struct error err;

	if (json_array_size(names) == 0 || json_array_size(names) > NAMED_FILES_MAX)
		ret = error_set(&err, EINVAL, "vm-fork: fdnames needs 1 to %d names",
				NAMED_FILES_MAX);
	for (size_t i = 0; ret == 0 && i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int fd = named_files_take(&session->files, name, &err);

		if (fd >= 0)
			sockets[n++] = fd;
		else
			ret = fd;
	}
	if (ret == 0)
		ret = monitor_fork(session->monitor, sockets, n, &err);
	else
		while (n > 0)
			file_lock_close(sockets[--n]);
	finish(session, request, ret, NULL, &err);
}

/* Commands that need the session, or code above the table of commands. */
static const struct session_command {
	const char *name;
	void (*run)(struct qmp_session *session, const struct request *request);
} session_commands[] = {
	{ "closefd", close_fd },
	{ "getfd", get_fd },
	{ "qmp_capabilities", negotiate },
	{ "human-monitor-command", run_hmp },
	{ "query-qmp-schema", send_schema },
	{ "vm-fork", fork_vm },
	{ "vm-save", save },
	{ NULL, NULL },
};

static void run_command(struct qmp_session *session, const struct qmp_command *command,
			const struct request *request)
{
	const struct session_command *own = session_commands;
	struct error err = { 0 };
	json_t *answer = NULL;
	int ret = qmp_commands_run(command, session->monitor, request->arguments, &answer, &err);

	session->waiting_hmp = false;
	while (own->name && strcmp(own->name, command->name) != 0)
		own++;
	if (own->name && ret == 0)
		own->run(session, request);
	else
		finish(session, request, ret, answer, &err);
}

static void dispatch(struct qmp_session *session, const struct request *request)
{
	const struct qmp_command *command = qmp_commands_find(request->command);
	char text[256];

	assert(request->command); /* read_request checks that */
	if (!session->negotiated && strcmp(request->command, "qmp_capabilities") != 0) {
		send_error(session, request->id, "CommandNotFound",
			   "Expecting capabilities negotiation with 'qmp_capabilities'");
	} else if (!command) {
		snprintf(text, sizeof(text), "The command %s has not been found", request->command);
		send_error(session, request->id, "CommandNotFound", text);
	} else if (request->oob) {
		/* None needs to overtake another: only stop is answered late, and it is what one
		 * waits for. */
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
	int ret = json_text_parse(text, len, &value, &err);

	if (ret == 0)
		ret = read_request(session, value, &request, &err);
	if (ret < 0)
		send_error(session, request.id, "GenericError", err.text);
	else
		dispatch(session, &request);
	json_decref(value);
}

static size_t consume_input(struct control_connection *connection, const char *bytes, size_t len)
{
	struct qmp_session *session = container_of(connection, struct qmp_session, connection);
	struct json_stream *stream = &session->stream;
	enum json_stream_result result;
	size_t taken;

	if (session->waiting)
		return 0;
	taken = json_stream_feed(stream, bytes, len, &result);
	if (result == JSON_STREAM_FULL)
		buffer_fini(&stream->text); /* at once, for others and for the error */
	if (result == JSON_STREAM_VALUE)
		handle_request(session, stream->text.data, stream->text.len);
	else if (result != JSON_STREAM_MORE)
		send_error(session, NULL, "GenericError", stream->error.text);
	if (result == JSON_STREAM_FULL)
		control_connection_end(connection);
	return taken;
}

/* A job that failed: QMP's error, or HMP's text. */
static void send_failure(struct qmp_session *session, const struct monitor_event *event)
{
	struct buffer out = { 0 }, crlf = { 0 };

	if (!session->waiting_hmp) {
		send_error(session, session->waiting_id, "GenericError", event->job->error);
		return;
	}
	hmp_finish(event, &out);
	buffer_append_crlf(&crlf, buffer_text(&out), out.len);
	send_return(session, session->waiting_id, json_text_string(buffer_text(&crlf)));
	buffer_fini(&out);
	buffer_fini(&crlf);
}

static void end_wait(struct qmp_session *session, const struct monitor_event *event)
{
	session->waiting = 0;
	if (event->job && event->job->error)
		send_failure(session, event);
	else
		control_connection_send(&session->connection, session->answer.data,
					session->answer.len);
	buffer_fini(&session->answer);
	json_decref(session->waiting_id);
	session->waiting_id = NULL;
	control_connection_resume(&session->connection);
}

static void send_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	struct qmp_session *session = container_of(listener, struct qmp_session, listener);
	bool failed = event->job && event->job->error;

	if (session->negotiated && !failed)
		send_value(session, qmp_events_make(event));
	if (monitor_wait_ends(session->waiting, event))
		end_wait(session, event);
}

static void take_descriptor(struct control_connection *connection, int fd)
{
	struct qmp_session *session = container_of(connection, struct qmp_session, connection);

	named_files_receive(&session->files, fd);
}

static void session_closed(struct control_connection *connection)
{
	struct qmp_session *session = container_of(connection, struct qmp_session, connection);

	monitor_unlisten(session->monitor, &session->listener);
	json_stream_fini(&session->stream);
	named_files_fini(&session->files);
	buffer_fini(&session->answer);
	json_decref(session->waiting_id);
	free(session);
}

static const struct control_connection_ops connection_ops = {
	.input = consume_input,
	.descriptor = take_descriptor,
	.closed = session_closed,
};

int qmp_serve(struct monitor *monitor, struct control_clients *clients, struct event_loop *loop,
	      int in_fd, int out_fd, bool owned)
{
	struct qmp_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->monitor = monitor;
	session->listener.event = send_event;
	session->answer.budget = &clients->budget;
	session->files.count = &clients->files;
	json_stream_init(&session->stream, &clients->budget);
	control_connection_init(&session->connection, &connection_ops, clients, loop, in_fd, out_fd,
				owned);
	monitor_listen(monitor, &session->listener);
	greet(session);
	control_connection_start(&session->connection);
	return 0;
}
