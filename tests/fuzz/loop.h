/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop played by hand: it stands in for vmm/base/event_loop.c, keeps what is in flight,
 * and a target decides what ends next and how. No system call, no time, the same for the same
 * input.
 */
#pragma once

#include "vmm/base/event_loop.h"

#include <stdbool.h>

enum loop_kind { LOOP_READ, LOOP_WRITE, LOOP_POLL, LOOP_FDATASYNC, LOOP_TIMER, LOOP_CALL };

/* An operation in flight. */
struct loop_op {
	enum loop_kind kind;
	struct event_op *op;
	struct event_call *call;   /* of event_loop_post */
	struct event_timer *timer; /* of event_loop_arm */
	int fd;
	const void *data; /* of a write */
	void *buf;	  /* of a read */
	unsigned len;
	unsigned events; /* of a poll */
};

/* Forgets everything; before each input. */
void loop_reset(void);

/* The oldest operation of @kind in flight, or NULL. */
const struct loop_op *loop_find(enum loop_kind kind);

/* That of @kind on @fd, or NULL. */
const struct loop_op *loop_find_fd(enum loop_kind kind, int fd);

unsigned loop_count(enum loop_kind kind);

/* The operation that @n others are older than, or NULL. */
const struct loop_op *loop_at(unsigned n);

/* Ends the oldest operation of @kind with @result, which must be there. */
void loop_finish(enum loop_kind kind, int result);

/* The same for one that loop_find or loop_find_fd has found; a call or a timer has no result. */
void loop_end(const struct loop_op *found, int result);
