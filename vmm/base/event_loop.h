/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread around one io_uring. It owns every device: doorbells, fdatasync, console output and
 * register accesses that vCPUs hand over all complete here, one after the other, so nothing in
 * devices/ needs a lock. It never waits for storage or for a vCPU.
 *
 * Only event_loop_call, event_loop_post and event_loop_stop may be called from other threads than
 * the one that called event_loop_init.
 */
#pragma once

#include "vmm/base/clock.h"

#include <liburing.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One operation in flight, embedded in its owner. @done runs on the loop's thread with the
 * operation's result (what the system call would have returned, or -errno) and may queue @op again.
 * @op must stay in place until then.
 */
struct event_op {
	void (*done)(struct event_op *op, int result);
	struct event_op *next; /* used by the loop: the next finished operation */
	int result;
};

/*
 * A timer that calls @due once, unless it is cancelled or armed again before; embedded in its
 * owner, who must cancel it before it is freed. It is not armed if all but @due is zero.
 */
struct event_timer {
	void (*due)(struct event_timer *timer);
	uint64_t at_ns; /* of CLOCK_MONOTONIC; 0: not armed */
	struct event_timer *next;
};

/* Work for the loop's thread: on the caller's stack while the caller waits, otherwise embedded. */
struct event_call {
	void (*run)(struct event_call *call);
	struct event_call *next;
	bool awaited;
	sem_t finished;
};

/* Descriptors below this can be registered with the ring; others are used as they are. */
#define EVENT_LOOP_FILES 256

struct event_loop {
	struct io_uring ring;
	bool ring_ready;
	bool files_ready;
	bool registered[EVENT_LOOP_FILES];
	bool stopping; /* atomic */
	int wake_fd;   /* eventfd, owned: calls and stop */
	uint64_t wake_count;
	struct event_op wake;
	struct event_op *finished; /* reaped, but @done has not run; oldest first */
	struct event_op **finished_end;
	struct event_timer *timers; /* the armed ones, the next that is due first */
	struct event_op tick;	    /* ends a wait that cannot have a time limit */
	struct __kernel_timespec left;
	pthread_mutex_t calls_lock;
	struct event_call *calls; /* oldest first; under calls_lock */
	bool closed;		  /* under calls_lock: calls are refused */
};

/*
 * Sets up the ring with those of these features that the kernel has: single issuer, deferred task
 * work, registered ring and registered files. The ring refuses all operations but those of the
 * functions below. -errno from io_uring_setup(2) or eventfd(2): -EPERM where io_uring is forbidden,
 * -ENOSYS where there is none.
 */
int event_loop_init(struct event_loop *loop);

/* Takes a zeroed or half-built loop. Callers that wait in event_loop_call return. */
void event_loop_fini(struct event_loop *loop);

/* Lets the ring keep a reference to @fd, which makes operations on it cheaper. Optional. */
void event_loop_register(struct event_loop *loop, int fd);

/* Drops the reference to @fd, before it is closed and its number is used for another file. */
void event_loop_unregister(struct event_loop *loop, int fd);

/*
 * Queue one operation; its result is a byte count, or the ready events for poll (POLLIN, ...). A
 * poll may fail although the file has no fault: io_uring cannot go on with a terminal's if it was
 * woken without an event, as by a change of modes (-EINVAL, Linux 6.18). The caller can poll again.
 */
void event_loop_read(struct event_loop *loop, struct event_op *op, int fd, void *buf, unsigned len);
void event_loop_write(struct event_loop *loop, struct event_op *op, int fd, const void *buf,
		      unsigned len);
void event_loop_poll(struct event_loop *loop, struct event_op *op, int fd, unsigned events);
void event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd);

/*
 * Queues the supply of the pages of @len bytes at @addr, in a mapping of a file, by a thread of the
 * kernel: for reading, or for @writable. Afterwards an access does not wait for storage, as long as
 * the kernel does not take a page back. -EINVAL before Linux 5.14, -EFAULT if a page is missing.
 */
void event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr, size_t len,
			 bool writable);

/* Makes @timer due @ns from now. If it was armed already, the earlier time no longer counts. */
void event_loop_arm(struct event_loop *loop, struct event_timer *timer, uint64_t ns);

/* Disarms @timer. Takes one that is not armed, also after the loop's end. */
void event_loop_cancel(struct event_loop *loop, struct event_timer *timer);

static inline bool event_loop_armed(const struct event_timer *timer)
{
	return timer->at_ns;
}

/* The ns until @timer is due; 0 if it is not armed. */
static inline uint64_t event_loop_left_ns(const struct event_timer *timer)
{
	uint64_t now = event_loop_armed(timer) ? clock_now_ns(CLOCK_MONOTONIC) : 0;

	return timer->at_ns > now ? timer->at_ns - now : 0;
}

/* Runs until event_loop_stop. 0, or -errno if the ring itself fails. */
int event_loop_run(struct event_loop *loop);

/* Makes event_loop_run return, once. From any thread, also from within @done. */
void event_loop_stop(struct event_loop *loop);

/*
 * Runs @call->run on the loop's thread and returns when it has. From any other thread.
 * -ECANCELED, without having run it, once the loop is finished.
 */
int event_loop_call(struct event_loop *loop, struct event_call *call);

/*
 * Posts @call without waiting. It must stay in place until it runs, and may be posted again from
 * within @call->run.
 */
int event_loop_post(struct event_loop *loop, struct event_call *call);

/* From now on event_loop_call is refused, and callers that wait in it return. */
void event_loop_close(struct event_loop *loop);
