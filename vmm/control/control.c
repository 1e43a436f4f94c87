// SPDX-License-Identifier: Apache-2.0
/* Opens the control plane's sockets and serves their clients. Start reading at control_open. */
#include "vmm/control/control.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/json_text.h"
#include "vmm/base/keyval.h"
#include "vmm/config/property.h"
#include "vmm/control/hmp_session.h"
#include "vmm/control/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_KEYS 4
/* For the clients' descriptors, and enough for everything else. */
#define WANTED_FILES 4096

static const char *option_name(enum control_protocol protocol)
{
	return protocol == CONTROL_QMP ? "--qmp" : "--monitor";
}

static int serve(struct control *control, enum control_protocol protocol, int in_fd, int out_fd,
		 bool owned)
{
	if (protocol == CONTROL_QMP)
		return qmp_serve(control->monitor, &control->clients, control->loop, in_fd, out_fd,
				 owned);
	return hmp_serve(control->monitor, &control->clients, control->loop, in_fd, out_fd, owned,
			 !owned && isatty(in_fd), NULL);
}

static void accepted(struct listener *listener, int fd)
{
	struct control_endpoint *endpoint =
		container_of(listener, struct control_endpoint, listener);
	struct control *control = endpoint->control;

	if (control->clients.count >= CONTROL_MAX_CLIENTS) {
		log_guest(
			&control->clients.limit,
			"%s: %d clients are connected, the most there can be; another one was disconnected",
			option_name(endpoint->protocol), CONTROL_MAX_CLIENTS);
		close(fd);
	} else if (serve(control, endpoint->protocol, fd, fd, true) < 0) {
		log_guest(&control->clients.limit, "%s: no memory for another client",
			  option_name(endpoint->protocol));
		close(fd);
	}
}

static const struct listener_ops socket_ops = { .accepted = accepted };

static void drain_timed_out(struct event_timer *timer)
{
	event_loop_stop(container_of(timer, struct control, drain_timeout)->loop);
}

static void output_written(struct control_clients *clients, struct control_connection *connection)
{
	struct control *control = container_of(clients, struct control, clients);

	if (connection == control->console && control->console_written)
		control->console_written(control);
}

void control_init(struct control *control, struct monitor *monitor, struct event_loop *loop)
{
	control->monitor = monitor;
	control->loop = loop;
	control->clients.written = output_written;
	control->clients.budget.limit = CONTROL_CLIENTS_BUDGET;
	control->drain_timeout.due = drain_timed_out;
	control->drain_ns = NS_PER_S;
}

/* Clients must not use up the descriptors that the VM needs, such as for a new memory backend. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= WANTED_FILES)
		return;
	limit.rlim_cur = limit.rlim_max < WANTED_FILES ? limit.rlim_max : WANTED_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static struct control_endpoint *new_endpoint(struct control *control,
					     enum control_protocol protocol)
{
	struct control_endpoint *endpoint = &control->endpoints[control->n_endpoints];

	if (control->n_endpoints == CONTROL_MAX_SOCKETS)
		return NULL;
	endpoint->control = control;
	endpoint->protocol = protocol;
	return endpoint;
}

static const struct property socket_properties[] = {
	PROPERTY_SERVER,
	PROPERTY_WAIT,
	PROPERTY_END("are server and wait"),
};

static int open_unix(struct control *control, enum control_protocol protocol, const char *text,
		     struct error *err)
{
	const char *option = option_name(protocol);
	struct control_endpoint *endpoint = new_endpoint(control, protocol);
	struct keyval list[MAX_KEYS];
	char *copy = strdup(text);
	struct error reason = { 0 };
	int ret;

	if (!copy || !endpoint) {
		free(copy);
		return error_set(
			err, ENOSPC,
			"%s unix:%s: there can be at most %d sockets of --qmp and --monitor",
			option, text, CONTROL_MAX_SOCKETS);
	}
	ret = keyval_parse(copy, KEYVAL_QEMU, option, "path", list, MAX_KEYS, err);
	if (ret >= 0)
		ret = property_fill(socket_properties, endpoint, list + 1, (unsigned)ret - 1,
				    option, err);
	if (ret == 0) {
		raise_file_limit();
		ret = listener_open(&endpoint->listener, &socket_ops, control->loop, list[0].value,
				    &reason);
		if (ret == 0)
			control->n_endpoints++;
		else
			error_set(err, -ret, "%s unix:%s", option, reason.text);
	}
	free(copy);
	return ret;
}

/* Serves @fd, a socket that is connected or listens; on success it belongs to @control. */
static int adopt_socket(struct control *control, enum control_protocol protocol, int fd,
			const char *where, struct error *err)
{
	const char *option = option_name(protocol);
	struct control_endpoint *endpoint;
	int listening = 0, type = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
		return error_set(err, EINVAL, "%s %s: is not a stream socket", option, where);
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
	if (!listening) {
		if (serve(control, protocol, fd, fd, true) < 0)
			return error_set(err, ENOMEM, "%s %s: out of memory", option, where);
		return 0;
	}
	endpoint = new_endpoint(control, protocol);
	if (!endpoint)
		return error_set(err, ENOSPC,
				 "%s %s: there can be at most %d sockets of --qmp and --monitor",
				 option, where, CONTROL_MAX_SOCKETS);
	raise_file_limit();
	listener_adopt(&endpoint->listener, &socket_ops, control->loop, fd);
	control->n_endpoints++;
	return 0;
}

static int open_fd(struct control *control, enum control_protocol protocol, const char *where,
		   struct error *err)
{
	int fd = file_argument_take(option_name(protocol), where, O_RDWR, err), ret;

	if (fd < 0)
		return fd;
	ret = adopt_socket(control, protocol, fd, where, err);
	if (ret < 0)
		close(fd);
	return ret;
}

int control_open(struct control *control, enum control_protocol protocol, const char *where,
		 struct error *err)
{
	const char *option = option_name(protocol);

	json_text_init();
	if (strncmp(where, "unix:", 5) == 0)
		return open_unix(control, protocol, where + 5, err);
	if (file_argument_is_fd(where))
		return open_fd(control, protocol, where, err);
	if (strcmp(where, "stdio") != 0)
		return error_set(err, EINVAL, "%s %s: must be unix:PATH, fd:N or stdio", option,
				 where);
	if (serve(control, protocol, STDIN_FILENO, STDOUT_FILENO, false) < 0)
		return error_set(err, ENOMEM, "%s stdio: out of memory", option);
	return 0;
}

int control_open_console(struct control *control, bool terminal)
{
	json_text_init();
	return hmp_serve(control->monitor, &control->clients, control->loop, -1, STDOUT_FILENO,
			 false, terminal, &control->console);
}

/* NULL if it has ended, because its output failed. */
static struct control_connection *find_console(const struct control *control)
{
	struct control_connection *c = control->clients.first;

	while (c && c != control->console)
		c = c->next;
	return c;
}

void control_console_begins(struct control *control)
{
	struct control_connection *console = find_console(control);

	if (console)
		hmp_session_show(console);
}

void control_console_input(struct control *control, const char *bytes, size_t len)
{
	struct control_connection *console = find_console(control);

	if (console)
		control_connection_feed(console, bytes, len);
}

void control_console_ends(struct control *control)
{
	struct control_connection *console = find_console(control);

	if (console)
		hmp_session_hide(console);
}

bool control_console_edits(const struct control *control)
{
	struct control_connection *console = find_console(control);

	return console && !console->dead && hmp_session_edits(console);
}

bool control_console_print(struct control *control, const char *bytes, size_t len)
{
	struct control_connection *console = find_console(control);

	hmp_session_print(console, bytes, len);
	return !console->dead;
}

unsigned control_list_files(const struct control *control, struct kept_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < control->n_endpoints; i++)
		n += listener_file(&control->endpoints[i].listener, &ret_files[n]);
	return n;
}

static bool all_written(const struct control *control)
{
	for (struct control_connection *c = control->clients.first; c; c = c->next)
		if (!control_connection_idle(c))
			return false;
	return true;
}

void control_drain(struct control *control)
{
	if (all_written(control))
		return;
	control->clients.draining = true;
	event_loop_arm(control->loop, &control->drain_timeout, control->drain_ns);
	/* The loop may also be stopped by others. */
	while (!all_written(control) && event_loop_armed(&control->drain_timeout))
		if (event_loop_run(control->loop) < 0)
			break;
	event_loop_cancel(control->loop, &control->drain_timeout);
	control->clients.draining = false;
}

void control_fini(struct control *control)
{
	while (control->clients.first)
		control_connection_abandon(control->clients.first);
	for (unsigned i = 0; i < control->n_endpoints; i++)
		listener_fini(&control->endpoints[i].listener);
	control->n_endpoints = 0;
}
