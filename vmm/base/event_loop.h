/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread around one io_uring. It owns every device: doorbells, fdatasync, console output and
 * register accesses that vCPUs hand over all complete here, one after the other, so nothing in
 * devices/ needs a lock. It never waits for storage or for a vCPU.
 *
 * All functions but event_loop_call, event_loop_post and event_loop_stop belong to the thread that
 * called event_loop_init.
 */
#ifndef MVMM_VMM_EVENT_LOOP_H
#define MVMM_VMM_EVENT_LOOP_H

#include <liburing.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One operation in flight, embedded in what it belongs to. @done runs on the loop's thread with the
 * operation's result (what the system call would have returned, or -errno) and may queue @op again.
 * It must stay in place until then.
 */
struct event_op {
	void (*done)(struct event_op *op, int result);
};

/* Work for the loop's thread: on the caller's stack while it waits, else embedded. */
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
	pthread_mutex_t calls_lock;
	pthread_cond_t calls_changed; /* a call, or a nudge, for event_loop_serve */
	struct event_call *calls;     /* oldest first; under calls_lock */
	bool closed;		      /* under calls_lock: nobody serves calls any more */
};

/*
 * Sets up the ring, with what this kernel offers of: single issuer, deferred task work, registered
 * ring and registered files. The ring refuses operations that none of the functions below asks for,
 * whoever asks. -errno from io_uring_setup(2) or eventfd(2) otherwise: -EPERM where
 * io_uring is forbidden, -ENOSYS where there is none.
 */
int event_loop_init(struct event_loop *loop);

/* Frees everything; takes a zeroed or half-built loop. Callers of event_loop_call are let go. */
void event_loop_fini(struct event_loop *loop);

/* Lets the ring keep a reference to @fd, which makes operations on it cheaper. Optional. */
void event_loop_register(struct event_loop *loop, int fd);

/* Forgets @fd, before it is closed: its number may soon be another file's. */
void event_loop_unregister(struct event_loop *loop, int fd);

/*
 * Queue one operation; its result is a byte count, or the ready events for poll (POLLIN, ...). A
 * poll may fail without any fault of the file: io_uring cannot go on with one of a terminal that
 * was woken for nothing, as by a change of modes (-EINVAL, Linux 6.18). It can be asked again.
 */
void event_loop_read(struct event_loop *loop, struct event_op *op, int fd, void *buf, unsigned len);
void event_loop_write(struct event_loop *loop, struct event_op *op, int fd, const void *buf,
		      unsigned len);
void event_loop_poll(struct event_loop *loop, struct event_op *op, int fd, unsigned events);
void event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd);

/* @op completes with -ETIME once *@delay, which must stay in place until then, has passed. */
void event_loop_delay(struct event_loop *loop, struct event_op *op,
		      struct __kernel_timespec *delay);

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
 * The same without waiting; @call must stay in place until it runs, and may be posted again from
 * within @call->run.
 */
int event_loop_post(struct event_loop *loop, struct event_call *call);

/* What event_loop_serve waits for; embedded in what decides it. */
struct event_condition {
	bool (*met)(struct event_condition *condition);
};

/*
 * Runs calls, and nothing else, until @condition is met: the one wait of the loop, for threads that
 * answer within microseconds but may need a call served first. event_loop_nudge, from any thread,
 * has it look again.
 */
void event_loop_serve(struct event_loop *loop, struct event_condition *condition);
void event_loop_nudge(struct event_loop *loop);

/* From now on event_loop_call is refused, and who waits in it is let go. */
void event_loop_close(struct event_loop *loop);

#endif
