/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the control plane: bytes in, bytes out, both bounded, on the event loop. A client
 * that sends faster than it reads its answers is not read from until it catches up; one that does
 * not read at all is dropped. Nothing ever waits for a client.
 */
#ifndef MVMM_VMM_CONTROL_CONNECTION_H
#define MVMM_VMM_CONTROL_CONNECTION_H

#include "vmm/base/buffer.h"
#include "vmm/base/event_loop.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes that wait to be written: above the first no input is taken, above the second it is dropped.
 */
#define CONTROL_CONNECTION_FULL (64u << 10)
#define CONTROL_CONNECTION_MAX (1u << 20)

#define CONTROL_CONNECTION_INPUT 4096

struct control_connection;

struct control_connection_ops {
	/*
	 * Takes input; returns how many bytes. Must end early once control_connection_full, and may
	 * at any time: then control_connection_resume brings the rest.
	 */
	size_t (*input)(struct control_connection *connection, const char *bytes, size_t len);
	/* Over; nothing is in flight any more. Frees what embeds the connection. */
	void (*closed)(struct control_connection *connection);
};

/* Everybody who is connected. Zeroed at the start. */
struct control_clients {
	struct control_connection *first; /* borrowed */
	unsigned count;
	bool draining; /* somebody runs the loop until all output is written */
};

struct control_connection {
	const struct control_connection_ops *ops;
	struct control_clients *clients; /* borrowed */
	struct control_connection *prev, *next;
	struct event_loop *loop; /* borrowed */
	int in_fd;		 /* -1: input comes by control_connection_feed */
	int out_fd;
	bool owned;    /* both descriptors, which are one socket */
	bool reading;  /* a poll is in flight */
	bool writing;  /* a write, or a wait for room, is in flight */
	bool ending;   /* no more input; over once the output is written */
	bool dead;     /* no more output either */
	bool resuming; /* a call of the loop's is in flight */
	bool held;     /* an answer is still to come: not over yet */
	struct event_op read, write, writable, resume;
	struct __kernel_timespec now;
	char in[CONTROL_CONNECTION_INPUT];
	size_t in_start, in_len;
	struct buffer queued; /* waits */
	struct buffer out;    /* is being written, from out_start on */
	size_t out_start;
};

/*
 * A connection on @in_fd and @out_fd, which may be the same. @owned: it is one socket, and closed
 * at the end. Reading begins with control_connection_start.
 */
void control_connection_init(struct control_connection *connection,
			     const struct control_connection_ops *ops,
			     struct control_clients *clients, struct event_loop *loop, int in_fd,
			     int out_fd, bool owned);

void control_connection_start(struct control_connection *connection);

/* Queues output. What does not fit drops the client, so that there is nothing to check. */
void control_connection_send(struct control_connection *connection, const char *bytes, size_t len);

/* Whether there is so much output that no further input should be taken. */
bool control_connection_full(const struct control_connection *connection);

/*
 * An answer is to come later: the connection outlives the end of its input until
 * control_connection_resume, which the loop then follows by going on with input that was left.
 */
void control_connection_hold(struct control_connection *connection);
void control_connection_resume(struct control_connection *connection);

/* Input from elsewhere, where in_fd is -1. What is too much for the client's pace is lost. */
void control_connection_feed(struct control_connection *connection, const char *bytes, size_t len);

/* Takes no more input, writes what is queued, then ends. */
void control_connection_end(struct control_connection *connection);

/* Whether all output is written. */
bool control_connection_idle(const struct control_connection *connection);

/* After the event loop's end: as if everything in flight had ended. Calls ops->closed. */
void control_connection_abandon(struct control_connection *connection);

#endif
