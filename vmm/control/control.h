/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control plane as a whole: where it listens (--qmp, --monitor) and its clients. All on the
 * event loop's thread.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/kept_file.h"
#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"
#include "vmm/host/listener.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_MAX_SOCKETS 16
#define CONTROL_MAX_CLIENTS 1000
/*
 * What all clients' requests and answers may take, small ones not counted: a thousand clients, each
 * with three buffers of BUFFER_SMALL, take 12 MiB more, and their sessions 6 MiB. So all of it is
 * below 64 MiB.
 */
#define CONTROL_CLIENTS_BUDGET (44u << 20)

enum control_protocol { CONTROL_QMP, CONTROL_HMP };

struct control;

struct control_endpoint {
	struct listener listener;
	struct control *control;
	enum control_protocol protocol;
};

struct control {
	struct monitor *monitor; /* borrowed */
	struct event_loop *loop; /* borrowed */
	struct control_clients clients;
	struct control_endpoint endpoints[CONTROL_MAX_SOCKETS];
	unsigned n_endpoints;
	void (*console_written)(
		struct control *control);   /* all of control_console_print; or NULL */
	struct control_connection *console; /* fed by control_console_input; may have ended */
	struct event_timer drain_timeout;
	uint64_t drain_ns;
};

/* @control is zeroed. */
void control_init(struct control *control, struct monitor *monitor, struct event_loop *loop);

/*
 * Opens the socket of --qmp or --monitor: unix:PATH (also with QEMU's ,server=on,wait=off), fd:N (a
 * socket that listens or is connected) or stdio. -errno with @err set.
 */
int control_open(struct control *control, enum control_protocol protocol, const char *where,
		 struct error *err);

/*
 * Serves HMP on standard output while the console reads standard input and passes on the input that
 * is not for the guest: the next two functions are its monitor_begins and monitor_input. @terminal:
 * standard input is a terminal. -ENOMEM.
 */
int control_open_console(struct control *control, bool terminal);
void control_console_begins(struct control *control);
void control_console_input(struct control *control, const char *bytes, size_t len);

/* The user has switched back to the console. */
void control_console_ends(struct control *control);

/*
 * Whether a line of HMP is edited on the console's terminal. Then control_console_print prints the
 * guest's output, whole lines, in its place, and shows it again; console_written reports the end.
 * False: the line is gone for good, because there was no room, and nothing is printed.
 */
bool control_console_edits(const struct control *control);
bool control_console_print(struct control *control, const char *bytes, size_t len);

/* Fills @ret_files, of CONTROL_MAX_SOCKETS, with the sockets' files, which point into @control. */
unsigned control_list_files(const struct control *control, struct kept_file *ret_files);

/* After the VM's end: runs the event loop until all answers are written, for at most a second. */
void control_drain(struct control *control);

/* After the event loop's end. Takes a zeroed one. */
void control_fini(struct control *control);
