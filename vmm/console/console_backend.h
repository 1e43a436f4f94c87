/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place that a console goes to, and perhaps hears from: standard input and output, a file, who
 * connects to a UNIX socket, a pseudo-terminal, a descriptor. The guest's threads put bytes into a
 * buffer; the event loop writes them out.
 *
 * What the guest writes is bounded and never waits for whoever takes it (console_output.h): a guest
 * that was asked to wait goes on after CONSOLE_PATIENCE_NS. console_backend_open.c has the kinds of
 * places. Start reading at console_backend_put.
 */
#ifndef MVMM_VMM_CONSOLE_BACKEND_H
#define MVMM_VMM_CONSOLE_BACKEND_H

#include "vmm/base/event_loop.h"
#include "vmm/config/config.h"
#include "vmm/console/console_output.h"
#include "vmm/host/listener.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_PATIENCE_NS 250000000

struct console_backend;

/* What it tells its console, on the event loop's thread and without the lock. */
struct console_backend_ops {
	/* How many bytes of input are wanted; after 0 by console_backend_await_input again. */
	unsigned (*input_room)(struct console_backend *backend);
	void (*input)(struct console_backend *backend, uint8_t *bytes, unsigned len);
	/* It has room, where console_backend_room was 0. */
	void (*output_ready)(struct console_backend *backend);
	/* All that it had is written, or is for nobody any more. */
	void (*drained)(struct console_backend *backend);
};

struct console_backend {
	const struct console_backend_ops *ops;
	const struct config_backend *config; /* borrowed */
	struct event_loop *loop;	     /* borrowed */
	pthread_mutex_t *lock;		     /* borrowed: all from @out_fd to @told_stuck */
	int wake_fd;			     /* borrowed: an eventfd whose reader calls
					      * console_backend_wake */
	int in_fd;			     /* -1: it says nothing (more) */
	bool escape_key;		     /* a user types there */
	int owned_fds[2];		     /* 0: none */
	struct control_socket socket;	     /* of a UNIX socket */
	int peer_fd;			     /* who is connected there, owned; 0: nobody */
	bool peer_gone;			     /* and only operations are left of it */
	int out_fd;			     /* -1: output is for nobody */
	struct console_output output;
	bool writing; /* the loop is writing, or was told to begin */
	bool told_stuck;
	struct event_op write, writable, input, hangup, patience;
	bool write_queued; /* a write, or a wait for room, is in flight */
	bool input_polled, patience_queued;
	struct __kernel_timespec patience_left, hangup_pause;
};

/*
 * Opens what @config, which stays the caller's, names; @backend is zeroed, which leaves its
 * buffer's pages untouched until they are needed. -errno with @err set; in either case it is for
 * console_backend_fini.
 */
int console_backend_open(struct console_backend *backend, const struct config_backend *config,
			 const struct console_backend_ops *ops, struct event_loop *loop,
			 pthread_mutex_t *lock, int wake_fd, struct error *err);

/* For console_backend_open: who connects to @socket is served. */
extern const struct control_socket_ops console_backend_socket_ops;

/* The same with descriptors, which stay the caller's; either may be -1. */
void console_backend_init(struct console_backend *backend, const struct config_backend *config,
			  const struct console_backend_ops *ops, struct event_loop *loop,
			  pthread_mutex_t *lock, int wake_fd, int in_fd, int out_fd);

/* Takes a zeroed one; removes the socket's file. */
void console_backend_fini(struct console_backend *backend);

/* Under the lock, from any thread: how many bytes it takes without dropping any; 0: wait. */
unsigned console_backend_room(const struct console_backend *backend);

/* Likewise: writes as much as there is room for and drops the rest. */
void console_backend_put(struct console_backend *backend, const uint8_t *bytes, unsigned len);

/* On the loop's thread: begins what was asked for by wake_fd. */
void console_backend_wake(struct console_backend *backend);

/* On the loop's thread: listens, if there is room for input. */
void console_backend_await_input(struct console_backend *backend);

/* Whether nothing is to be written, nor to be read at a pseudo-terminal; before that the line about
 * what was dropped, if one is due. */
bool console_backend_drained(struct console_backend *backend);

/*
 * At the end, when nobody writes any more: logs what was dropped, with what is still there, and
 * returns how many bytes that are.
 */
uint64_t console_backend_report(struct console_backend *backend);

#endif
