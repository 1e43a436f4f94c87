// SPDX-License-Identifier: Apache-2.0
/* The event loop by hand; loop.h is its manual. */
#include "tests/fuzz/loop.h"

#include "tests/fuzz/fuzz.h"

#include <errno.h>

static struct loop_op in_flight[128]; /* oldest first */
static unsigned n_in_flight;

void loop_reset(void)
{
	n_in_flight = 0;
}

const struct loop_op *loop_find(enum loop_kind kind)
{
	for (unsigned i = 0; i < n_in_flight; i++)
		if (in_flight[i].kind == kind)
			return &in_flight[i];
	return NULL;
}

const struct loop_op *loop_find_fd(enum loop_kind kind, int fd)
{
	for (unsigned i = 0; i < n_in_flight; i++)
		if (in_flight[i].kind == kind && in_flight[i].fd == fd)
			return &in_flight[i];
	return NULL;
}

unsigned loop_count(enum loop_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_in_flight; i++)
		n += in_flight[i].kind == kind;
	return n;
}

const struct loop_op *loop_at(unsigned n)
{
	return n < n_in_flight ? &in_flight[n] : NULL;
}

static struct loop_op take_op(const struct loop_op *found)
{
	unsigned i = (unsigned)(found - in_flight);
	struct loop_op taken = *found;

	n_in_flight--;
	memmove(&in_flight[i], &in_flight[i + 1], (n_in_flight - i) * sizeof(in_flight[0]));
	if (taken.timer)
		taken.timer->at_ns = 0;
	return taken;
}

void loop_end(const struct loop_op *found, int result)
{
	struct loop_op ended = take_op(found);

	if (ended.timer)
		ended.timer->due(ended.timer);
	else if (ended.call)
		ended.call->run(ended.call);
	else
		ended.op->done(ended.op, result);
}

void loop_finish(enum loop_kind kind, int result)
{
	const struct loop_op *oldest = loop_find(kind);

	fuzz_check(oldest, "kind %d", kind);
	loop_end(oldest, result);
}

static void submit(struct loop_op op)
{
	fuzz_check(n_in_flight < ARRAY_SIZE(in_flight), "work in flight is bounded");
	for (unsigned i = 0; i < n_in_flight; i++)
		fuzz_check(in_flight[i].op != op.op || in_flight[i].call != op.call ||
				   in_flight[i].timer != op.timer,
			   "an operation is queued while in flight");
	in_flight[n_in_flight++] = op;
}

void event_loop_read(struct event_loop *loop, struct event_op *op, int fd, void *buf, unsigned len)
{
	submit((struct loop_op){ .kind = LOOP_READ, .op = op, .fd = fd, .buf = buf, .len = len });
}

void event_loop_write(struct event_loop *loop, struct event_op *op, int fd, const void *buf,
		      unsigned len)
{
	submit((struct loop_op){ .kind = LOOP_WRITE, .op = op, .fd = fd, .data = buf, .len = len });
}

void event_loop_poll(struct event_loop *loop, struct event_op *op, int fd, unsigned events)
{
	submit((struct loop_op){ .kind = LOOP_POLL, .op = op, .fd = fd, .events = events });
}

void event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd)
{
	submit((struct loop_op){ .kind = LOOP_FDATASYNC, .op = op, .fd = fd });
}

/* At once, as a page that is there. */
void event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr, size_t len,
			 bool writable)
{
	op->done(op, 0);
}

void event_loop_arm(struct event_loop *loop, struct event_timer *timer, uint64_t ns)
{
	event_loop_cancel(loop, timer);
	timer->at_ns = 1 + ns;
	submit((struct loop_op){ .kind = LOOP_TIMER, .timer = timer, .fd = -1 });
}

void event_loop_cancel(struct event_loop *loop, struct event_timer *timer)
{
	for (unsigned i = 0; event_loop_armed(timer); i++) {
		fuzz_check(i < n_in_flight, "an armed timer is in flight");
		if (in_flight[i].timer == timer)
			take_op(&in_flight[i]);
	}
}

int event_loop_post(struct event_loop *loop, struct event_call *call)
{
	submit((struct loop_op){ .kind = LOOP_CALL, .call = call, .fd = -1 });
	return 0;
}

void event_loop_register(struct event_loop *loop, int fd)
{
}

void event_loop_unregister(struct event_loop *loop, int fd)
{
}

void event_loop_stop(struct event_loop *loop)
{
}
