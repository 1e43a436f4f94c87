// SPDX-License-Identifier: Apache-2.0
/* Opens the control plane's sockets and serves who connects. Start reading at control_open. */
#include "vmm/control/control.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/keyval.h"
#include "vmm/base/log.h"
#include "vmm/control/hmp_session.h"
#include "vmm/control/qmp.h"
#include "vmm/control/qmp_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_KEYS 4
/* Descriptors: the clients', and as many as anybody else may need. */
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

static void accepted(struct control_socket *socket, int fd)
{
	struct control_endpoint *endpoint = container_of(socket, struct control_endpoint, socket);
	struct control *control = endpoint->control;

	if (control->clients.count >= CONTROL_MAX_CLIENTS) {
		log_warning("%s: %d clients are connected; another was turned away",
			    option_name(endpoint->protocol), CONTROL_MAX_CLIENTS);
		close(fd);
	} else if (serve(control, endpoint->protocol, fd, fd, true) < 0) {
		log_warning("%s: no memory for another client", option_name(endpoint->protocol));
		close(fd);
	}
}

static const struct control_socket_ops socket_ops = { .accepted = accepted };

void control_init(struct control *control, struct monitor *monitor, struct event_loop *loop)
{
	control->monitor = monitor;
	control->loop = loop;
	control->drain_limit.tv_sec = 1;
}

/* Clients must not take the descriptors that the VM needs, such as for a new backend. */
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

/* QEMU's spelling of the socket's kind is accepted where it says what we do anyway. */
static int check_keys(const struct keyval *list, unsigned count, const char *option,
		      struct error *err)
{
	for (unsigned i = 1; i < count; i++) {
		const char *allowed = strcmp(list[i].key, "server") == 0 ? "on" : "off";

		if (strcmp(list[i].key, "server") != 0 && strcmp(list[i].key, "wait") != 0)
			return error_set(err, EINVAL,
					 "%s: %s: unknown key; there are server and wait", option,
					 list[i].key);
		if (strcmp(list[i].value, allowed) != 0)
			return error_set(err, EINVAL, "%s: %s=%s: only %s=%s is possible", option,
					 list[i].key, list[i].value, list[i].key, allowed);
	}
	return 0;
}

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
		return error_set(err, ENOSPC, "%s unix:%s: at most %d sockets", option, text,
				 CONTROL_MAX_SOCKETS);
	}
	ret = keyval_parse_qemu(copy, option, "path", list, MAX_KEYS, err);
	if (ret >= 0)
		ret = check_keys(list, (unsigned)ret, option, err);
	if (ret == 0) {
		raise_file_limit();
		ret = control_socket_listen(&endpoint->socket, &socket_ops, control->loop,
					    list[0].value, &reason);
		if (ret == 0)
			control->n_endpoints++;
		else
			error_set(err, -ret, "%s unix:%s", option, reason.text);
	}
	free(copy);
	return ret;
}

/* Serves @fd, a socket that is connected or listens, and takes it over if that succeeds. */
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
		return error_set(err, ENOSPC, "%s %s: at most %d sockets", option, where,
				 CONTROL_MAX_SOCKETS);
	raise_file_limit();
	control_socket_adopt(&endpoint->socket, &socket_ops, control->loop, fd);
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

	if (protocol == CONTROL_QMP)
		qmp_json_init();
	if (strncmp(where, "unix:", 5) == 0)
		return open_unix(control, protocol, where + 5, err);
	if (file_argument_is_fd(where))
		return open_fd(control, protocol, where, err);
	if (strcmp(where, "stdio") != 0)
		return error_set(err, EINVAL, "%s %s: there are unix:PATH, fd:N and stdio", option,
				 where);
	if (serve(control, protocol, STDIN_FILENO, STDOUT_FILENO, false) < 0)
		return error_set(err, ENOMEM, "%s stdio: out of memory", option);
	return 0;
}

int control_open_console(struct control *control, bool terminal)
{
	return hmp_serve(control->monitor, &control->clients, control->loop, -1, STDOUT_FILENO,
			 false, terminal, &control->console);
}

/* NULL if it is gone, since its output failed. */
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

unsigned control_list_files(const struct control *control, struct sandbox_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < control->n_endpoints; i++)
		n += control_socket_file(&control->endpoints[i].socket, &ret_files[n]);
	return n;
}

static void drain_timed_out(struct event_op *op, int result)
{
	struct control *control = container_of(op, struct control, drain_timeout);

	(void)result;
	control->drained = true;
	if (control->clients.draining)
		event_loop_stop(control->loop);
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
	control->drain_timeout.done = drain_timed_out;
	event_loop_delay(control->loop, &control->drain_timeout, &control->drain_limit);
	/* Others may stop the loop too. */
	while (!all_written(control) && !control->drained)
		if (event_loop_run(control->loop) < 0)
			break;
	control->clients.draining = false;
}

void control_fini(struct control *control)
{
	while (control->clients.first)
		control_connection_abandon(control->clients.first);
	for (unsigned i = 0; i < control->n_endpoints; i++)
		control_socket_fini(&control->endpoints[i].socket);
	control->n_endpoints = 0;
}
