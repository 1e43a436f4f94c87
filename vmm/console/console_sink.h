/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One console sink, which may also be a source of input: standard input and output, a file, the
 * client of a UNIX socket, a pseudo-terminal, a descriptor. The guest's threads put bytes into a
 * buffer; the event loop writes them.
 *
 * Output is bounded and never waits for its reader (console_output.h): a guest that was asked to
 * wait goes on after CONSOLE_PATIENCE_NS. console_sink_open.c opens the kinds of sinks. Start
 * reading at console_sink_put.
 */
#pragma once

#include "vmm/base/event_loop.h"
#include "vmm/config/config.h"
#include "vmm/console/console_output.h"
#include "vmm/host/listener.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_PATIENCE_NS (250 * NS_PER_MS)

struct console_sink;

enum console_sink_way {
	CONSOLE_SINK_DIRECT,
	CONSOLE_SINK_LINES, /* a monitor edits a line of its own on the same terminal */
	CONSOLE_SINK_WAIT,  /* until console_sink_go_on: it removes that line just now */
};

/* Calls to its console, on the event loop's thread and without the lock. */
struct console_sink_ops {
	/* How many bytes of input are wanted. After 0, console_sink_await_input asks again. */
	unsigned (*input_room)(struct console_sink *sink);
	void (*input)(struct console_sink *sink, uint8_t *bytes, unsigned len);
	/* There is room after console_sink_room was 0. */
	void (*output_ready)(struct console_sink *sink);
	/* All output is written or discarded. */
	void (*drained)(struct console_sink *sink);
	/*
	 * By which way output is written; NULL: always CONSOLE_SINK_DIRECT. print_lines takes whole
	 * lines, and console_sink_printed completes it; false: it takes nothing.
	 */
	enum console_sink_way (*way)(struct console_sink *sink);
	bool (*print_lines)(struct console_sink *sink, const uint8_t *bytes, unsigned len);
};

struct console_sink {
	const struct console_sink_ops *ops;
	const struct config_sink *config; /* borrowed */
	struct event_loop *loop;	  /* borrowed */
	pthread_mutex_t *lock;		  /* borrowed: for all from @out_fd to @logged_stuck */
	int wake_fd;			  /* borrowed: an eventfd whose reader calls
					   * console_sink_wake */
	int in_fd;			  /* -1: there is no (more) input */
	bool escape_key;		  /* a user types there */
	int owned_fds[2];		  /* 0: none */
	struct listener listener;	  /* of a UNIX socket */
	int peer_fd;			  /* its client, owned; 0: none */
	bool peer_gone;			  /* gone, but operations are in flight */
	int out_fd;			  /* -1: output is discarded */
	struct console_output output;
	bool writing; /* the loop writes, or was asked to */
	bool logged_stuck;
	struct event_op write, writable, input, hangup;
	struct event_timer patience, hangup_poll;
	bool write_queued; /* a write, or a poll for room, is in flight */
	unsigned printing; /* bytes that were handed to print_lines; @write_queued too */
	bool input_polled;
};

/*
 * Opens the sink of @config, which stays the caller's. @sink is zeroed, which leaves its
 * buffer's pages untouched until they are needed. -errno with @err set; in either case the caller
 * calls console_sink_fini.
 */
int console_sink_open(struct console_sink *sink, const struct config_sink *config,
		      const struct console_sink_ops *ops, struct event_loop *loop,
		      pthread_mutex_t *lock, int wake_fd, struct error *err);

/* For console_sink_open: serves clients of @socket. */
extern const struct listener_ops console_sink_socket_ops;

/* Makes a sink of descriptors, which stay the caller's; either may be -1. */
void console_sink_init(struct console_sink *sink, const struct config_sink *config,
		       const struct console_sink_ops *ops, struct event_loop *loop,
		       pthread_mutex_t *lock, int wake_fd, int in_fd, int out_fd);

/* Takes a zeroed one; removes the socket's file. */
void console_sink_fini(struct console_sink *sink);

/* Under the lock, from any thread: how many bytes fit without dropping any; 0: wait. */
unsigned console_sink_room(const struct console_sink *sink);

/* Likewise: adds as much as fits and drops the rest. */
void console_sink_put(struct console_sink *sink, const uint8_t *bytes, unsigned len);

/* On the loop's thread, after wake_fd: begins what a guest's thread asked for. */
void console_sink_wake(struct console_sink *sink);

/* On the loop's thread: what was handed to print_lines is printed, or cannot be. */
void console_sink_printed(struct console_sink *sink);

/* On the loop's thread: the way has become CONSOLE_SINK_DIRECT. */
void console_sink_go_on(struct console_sink *sink);

/* On the loop's thread: reads input, if there is room for it. */
void console_sink_await_input(struct console_sink *sink);

/* Whether all output is written, and read at a pseudo-terminal. Before that it adds the line about
 * dropped bytes, if one is due. */
bool console_sink_drained(struct console_sink *sink);

/*
 * At the end, when nobody writes any more: logs how many bytes were dropped, including those that
 * are still in the buffer, and returns it.
 */
uint64_t console_sink_report(struct console_sink *sink);
