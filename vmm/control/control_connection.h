/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the control plane: bytes in, bytes out, both bounded, on the event loop. If a
 * client sends faster than it reads its answers, mvmm stops reading from it until it catches up. A
 * client that does not read at all is disconnected. Nothing ever waits for a client.
 */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"

#include <stdbool.h>
#include <stddef.h>

/* Limits of unwritten bytes: above the first no input is read, above the second it ends. */
#define CONTROL_CONNECTION_FULL (64u << 10)
#define CONTROL_CONNECTION_MAX (1u << 20)

#define CONTROL_CONNECTION_INPUT 4096

struct control_connection;

struct control_connection_ops {
	/*
	 * Consumes input; returns how many bytes. It must stop when control_connection_full, and
	 * may stop at any time: after control_connection_resume it gets the rest.
	 */
	size_t (*input)(struct control_connection *connection, const char *bytes, size_t len);
	/* The client has passed @fd, which is now the callee's. NULL: it is closed. */
	void (*descriptor)(struct control_connection *connection, int fd);
	/* Nothing is in flight any more. Frees the object that embeds the connection. */
	void (*closed)(struct control_connection *connection);
};

/* All clients. Zeroed at the start, but for the budget's limit. */
struct control_clients {
	/* All output of @connection is written, or it ends, which may be its last call. Or NULL. */
	void (*written)(struct control_clients *clients, struct control_connection *connection);
	struct control_connection *first; /* borrowed */
	unsigned count;
	unsigned files;		     /* named_files.h */
	struct log_limit limit;	     /* for messages about them */
	struct buffer_budget budget; /* what they say, and what waits for them */
	bool draining;		     /* the loop runs until all output is written */
};

struct control_connection {
	const struct control_connection_ops *ops;
	struct control_clients *clients; /* borrowed */
	struct control_connection *prev, *next;
	struct event_loop *loop; /* borrowed */
	int in_fd;		 /* -1: control_connection_feed brings the input */
	int out_fd;
	bool owned;   /* both descriptors, which are the same socket */
	bool reading; /* a poll is in flight */
	bool writing; /* a write, or a wait for room, is in flight */
	bool ending;  /* no more input; the connection ends once the output is written */
	bool dead;    /* no more output either */
	bool held;    /* an answer is still to come, so the connection does not end yet */
	struct event_op read, write, writable;
	struct event_timer resume;
	char in[CONTROL_CONNECTION_INPUT];
	size_t in_start, in_len;
	struct buffer queued; /* output that waits */
	struct buffer out;    /* output that is being written, from out_start on */
	size_t out_start;
};

/*
 * Makes a connection on @in_fd and @out_fd, which may be the same. @owned: they are one socket,
 * which is closed at the end. control_connection_start begins to read.
 */
void control_connection_init(struct control_connection *connection,
			     const struct control_connection_ops *ops,
			     struct control_clients *clients, struct event_loop *loop, int in_fd,
			     int out_fd, bool owned);

void control_connection_start(struct control_connection *connection);

/* Queues output. If it does not fit, the client is disconnected, so callers need not check. */
void control_connection_send(struct control_connection *connection, const char *bytes, size_t len);

/* Whether so much output waits that no more input should be taken. */
bool control_connection_full(const struct control_connection *connection);

/*
 * Keeps the connection open after the end of its input, because an answer comes later, until
 * control_connection_resume. The loop then goes on with input that was left.
 */
void control_connection_hold(struct control_connection *connection);
void control_connection_resume(struct control_connection *connection);

/* Adds input from elsewhere, if in_fd is -1. Input beyond the buffer is discarded. */
void control_connection_feed(struct control_connection *connection, const char *bytes, size_t len);

/* Takes no more input, and ends the connection once all output is written. */
void control_connection_end(struct control_connection *connection);

/* Whether all output is written. */
bool control_connection_idle(const struct control_connection *connection);

/* After the event loop's end: completes all that is in flight, and calls ops->closed. */
void control_connection_abandon(struct control_connection *connection);
