/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control plane as a whole: where it listens (--qmp, --monitor), and who is connected. All on
 * the event loop's thread.
 */
#ifndef MVMM_VMM_CONTROL_H
#define MVMM_VMM_CONTROL_H

#include "vmm/base/error.h"
#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"
#include "vmm/host/listener.h"
#include "vmm/sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_MAX_SOCKETS 16
#define CONTROL_MAX_CLIENTS 1000

enum control_protocol { CONTROL_QMP, CONTROL_HMP };

struct control;

struct control_endpoint {
	struct control_socket socket;
	struct control *control;
	enum control_protocol protocol;
};

struct control {
	struct monitor *monitor; /* borrowed */
	struct event_loop *loop; /* borrowed */
	struct control_clients clients;
	struct control_endpoint endpoints[CONTROL_MAX_SOCKETS];
	unsigned n_endpoints;
	struct control_connection *console; /* fed by control_console_input; may be gone */
	struct event_op drain_timeout;
	struct __kernel_timespec drain_limit;
	bool drained;
};

/* @control is zeroed. */
void control_init(struct control *control, struct monitor *monitor, struct event_loop *loop);

/*
 * Opens what --qmp or --monitor names: unix:PATH (also with QEMU's ,server=on,wait=off), fd:N (a
 * socket that listens or is connected) or stdio. -errno with @err set.
 */
int control_open(struct control *control, enum control_protocol protocol, const char *where,
		 struct error *err);

/*
 * HMP on standard output, for where the console reads standard input and hands over what is not for
 * the guest: the next two are its monitor_begins and monitor_input. @terminal: standard input is
 * one. -ENOMEM.
 */
int control_open_console(struct control *control, bool terminal);
void control_console_begins(struct control *control);
void control_console_input(struct control *control, const char *bytes, size_t len);

/* The sockets' files, CONTROL_MAX_SOCKETS at most; returns how many. They point into @control. */
unsigned control_list_files(const struct control *control, struct sandbox_file *ret_files);

/* Runs the event loop until all answers are written, for at most a second. After the VM's end. */
void control_drain(struct control *control);

/* After the event loop's end. Takes a zeroed one. */
void control_fini(struct control *control);

#endif
