// SPDX-License-Identifier: Apache-2.0
/* The io_uring loop; event_loop.h explains who may call what. Start reading at event_loop_run. */
#include "vmm/base/event_loop.h"

#include "vmm/base/array.h"
#include "vmm/base/container_of.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 128
#define PAGE 4096

/* Reaps the completions and appends their operations to the list for complete(). */
static void collect_completions(struct event_loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;

	io_uring_for_each_cqe(&loop->ring, head, cqe)
	{
		struct event_op *op = io_uring_cqe_get_data(cqe);

		seen++;
		op->result = cqe->res;
		op->next = NULL;
		*loop->finished_end = op;
		loop->finished_end = &op->next;
	}
	io_uring_cq_advance(&loop->ring, seen);
}

static struct io_uring_sqe *next_sqe(struct event_loop *loop)
{
	struct io_uring_sqe *sqe;

	/*
	 * Submitting empties a full submission ring: the kernel takes all entries at once. On EBUSY
	 * (before Linux 5.19) and EAGAIN, completions must be reaped first.
	 */
	while (!(sqe = io_uring_get_sqe(&loop->ring)))
		if (io_uring_submit(&loop->ring) < 0)
			collect_completions(loop);
	return sqe;
}

/* Completes a prepared entry. A registered file has its descriptor's number as its index. */
static void finish_sqe(struct event_loop *loop, struct io_uring_sqe *sqe, struct event_op *op,
		       int fd)
{
	io_uring_sqe_set_data(sqe, op);
	if (fd < EVENT_LOOP_FILES && loop->registered[fd])
		sqe->flags |= IOSQE_FIXED_FILE;
}

void event_loop_read(struct event_loop *loop, struct event_op *op, int fd, void *buf, unsigned len)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_read(sqe, fd, buf, len, (__u64)-1);
	finish_sqe(loop, sqe, op, fd);
}

void event_loop_write(struct event_loop *loop, struct event_op *op, int fd, const void *buf,
		      unsigned len)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_write(sqe, fd, buf, len, (__u64)-1);
	finish_sqe(loop, sqe, op, fd);
}

void event_loop_poll(struct event_loop *loop, struct event_op *op, int fd, unsigned events)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_poll_add(sqe, fd, events);
	finish_sqe(loop, sqe, op, fd);
}

void event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	finish_sqe(loop, sqe, op, fd);
}

void event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr, size_t len,
			 bool writable)
{
	struct io_uring_sqe *sqe = next_sqe(loop);
	uintptr_t misaligned = (uintptr_t)addr % PAGE;

	io_uring_prep_madvise(sqe, (char *)addr - misaligned, (off_t)(len + misaligned),
			      writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	io_uring_sqe_set_data(sqe, op);
}

void event_loop_arm(struct event_loop *loop, struct event_timer *timer, uint64_t ns)
{
	struct event_timer **at = &loop->timers;

	event_loop_cancel(loop, timer);
	timer->at_ns = clock_now_ns(CLOCK_MONOTONIC) + ns;
	while (*at && (*at)->at_ns <= timer->at_ns)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

void event_loop_cancel(struct event_loop *loop, struct event_timer *timer)
{
	struct event_timer **at;

	if (!event_loop_armed(timer))
		return;
	at = &loop->timers;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->at_ns = 0;
}

/* A timeout operation only ends a wait; there is nothing else to do. */
static void end_wait(struct event_op *op, int result)
{
}

/* Runs the timers that are due, then waits for a completion or the next timer. */
static int run_timers_and_wait(struct event_loop *loop)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC), left;
	struct event_timer *next = loop->timers;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret;

	while (next && next->at_ns <= now) {
		event_loop_cancel(loop, next);
		next->due(next);
		next = loop->timers;
	}
	if (!next || loop->finished)
		return io_uring_submit_and_wait(&loop->ring, !loop->finished);
	left = event_loop_left_ns(next);
	loop->left = (struct __kernel_timespec){ .tv_sec = (int64_t)(left / NS_PER_S),
						 .tv_nsec = (int64_t)(left % NS_PER_S) };
	if (loop->ring.features & IORING_FEAT_EXT_ARG) {
		ret = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &loop->left, NULL);
		return ret == -ETIME ? 0 : ret;
	}
	/* On Linux 5.10, without that flag: a timeout operation, which a completion ends, too. */
	sqe = next_sqe(loop);
	io_uring_prep_timeout(sqe, &loop->left, 1, 0);
	io_uring_sqe_set_data(sqe, &loop->tick);
	return io_uring_submit_and_wait(&loop->ring, 1);
}

static void arm_wake(struct event_loop *loop)
{
	event_loop_read(loop, &loop->wake, loop->wake_fd, &loop->wake_count,
			sizeof(loop->wake_count));
}

static void ring_wake(struct event_loop *loop)
{
	/* Fails only if the count is at its maximum; then the loop is awake anyway. */
	eventfd_write(loop->wake_fd, 1);
}

/* Takes the oldest call off the list; NULL if there is none. */
static struct event_call *take_call(struct event_loop *loop)
{
	struct event_call *call;

	pthread_mutex_lock(&loop->calls_lock);
	call = loop->calls;
	if (call)
		loop->calls = call->next;
	pthread_mutex_unlock(&loop->calls_lock);
	return call;
}

static unsigned count_calls(struct event_loop *loop)
{
	unsigned n = 0;

	pthread_mutex_lock(&loop->calls_lock);
	for (const struct event_call *call = loop->calls; call; call = call->next)
		n++;
	pthread_mutex_unlock(&loop->calls_lock);
	return n;
}

/*
 * Runs the calls that vCPUs have posted, oldest first. A call that is posted meanwhile is run in
 * the next round.
 */
static void run_calls(struct event_loop *loop)
{
	struct event_call *call;

	for (unsigned n = count_calls(loop); n && (call = take_call(loop)); n--) {
		bool awaited = call->awaited; /* if not, it may be posted anew by then */

		call->run(call);
		if (awaited)
			sem_post(&call->finished);
	}
}

static void wake_done(struct event_op *op, int result)
{
	struct event_loop *loop = container_of(op, struct event_loop, wake);

	run_calls(loop);
	arm_wake(loop);
}

/* liburing 2.3 declares functions for the two operations used here, but does not export them. */
static int register_ring(struct event_loop *loop, unsigned operation, const void *arg, unsigned n)
{
	long ret = syscall(SYS_io_uring_register, loop->ring.ring_fd, operation, arg, n);

	return ret < 0 ? -errno : 0;
}

/*
 * No seccomp filter sees the operations of a ring, and a ring can open files and connect sockets.
 * So the ring is restricted to the operations of this file, for good.
 */
static int restrict_ring(struct event_loop *loop, bool ring_registered)
{
	static const struct io_uring_restriction allowed[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_MADVISE },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_TIMEOUT },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_FILES_UPDATE },
		/*
		 * For io_uring_queue_exit. It is the last entry, because before Linux 5.18, where a
		 * ring cannot be registered either, a restriction that names it is not valid.
		 */
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_UNREGISTER_RING_FDS },
	};
	unsigned n = ARRAY_SIZE(allowed) - !ring_registered;
	int ret = register_ring(loop, IORING_REGISTER_RESTRICTIONS, allowed, n);

	return ret < 0 ? ret : register_ring(loop, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int init_ring(struct event_loop *loop)
{
	/* The best flags come first; older kernels refuse flags that they do not know. */
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	bool ring_registered;
	int ret = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && ret == -EINVAL; i++)
		ret = io_uring_queue_init(ENTRIES, &loop->ring, flags[i] | IORING_SETUP_R_DISABLED);
	if (ret < 0)
		return ret;
	loop->ring_ready = true;
	/* Both only save time. The loop also works on a kernel without them. */
	ring_registered = io_uring_register_ring_fd(&loop->ring) == 1;
	loop->files_ready = io_uring_register_files_sparse(&loop->ring, EVENT_LOOP_FILES) == 0;
	return restrict_ring(loop, ring_registered);
}

int event_loop_init(struct event_loop *loop)
{
	int ret;

	memset(loop, 0, sizeof(*loop));
	pthread_mutex_init(&loop->calls_lock, NULL);
	loop->wake.done = wake_done;
	loop->tick.done = end_wait;
	loop->finished_end = &loop->finished;
	/* It must be a blocking one, which io_uring polls; a non-blocking one would complete with
	 * -EAGAIN. */
	loop->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return -errno;
	ret = init_ring(loop);
	if (ret < 0) {
		event_loop_fini(loop);
		return ret;
	}
	event_loop_register(loop, loop->wake_fd);
	arm_wake(loop);
	return 0;
}

void event_loop_fini(struct event_loop *loop)
{
	while (loop->timers)
		event_loop_cancel(loop, loop->timers);
	if (loop->ring_ready) {
		event_loop_close(loop);
		io_uring_queue_exit(&loop->ring);
	}
	if (loop->wake_fd > 0)
		close(loop->wake_fd);
	loop->ring_ready = false;
	loop->wake_fd = 0;
}

void event_loop_register(struct event_loop *loop, int fd)
{
	if (loop->files_ready && fd < EVENT_LOOP_FILES)
		loop->registered[fd] =
			io_uring_register_files_update(&loop->ring, (unsigned)fd, &fd, 1) == 1;
}

void event_loop_unregister(struct event_loop *loop, int fd)
{
	const int none = -1;

	if (!loop->ring_ready || fd >= EVENT_LOOP_FILES || !loop->registered[fd])
		return;
	loop->registered[fd] = false;
	io_uring_register_files_update(&loop->ring, (unsigned)fd, &none, 1);
}

static void complete(struct event_loop *loop)
{
	struct event_op *op;

	collect_completions(loop);
	while ((op = loop->finished)) {
		loop->finished = op->next;
		if (!op->next)
			loop->finished_end = &loop->finished;
		op->done(op, op->result);
	}
}

int event_loop_run(struct event_loop *loop)
{
	while (!__atomic_load_n(&loop->stopping, __ATOMIC_RELAXED)) {
		int ret = loop->timers ? run_timers_and_wait(loop)
				       : io_uring_submit_and_wait(&loop->ring, !loop->finished);

		/* EINTR: a signal. EBUSY and EAGAIN: completions must be reaped first. */
		if (ret < 0 && ret != -EINTR && ret != -EBUSY && ret != -EAGAIN)
			return ret;
		complete(loop);
	}
	__atomic_store_n(&loop->stopping, false, __ATOMIC_RELAXED);
	return 0;
}

void event_loop_stop(struct event_loop *loop)
{
	__atomic_store_n(&loop->stopping, true, __ATOMIC_RELAXED);
	ring_wake(loop);
}

/* Appends @call to the list. -ECANCELED: the loop is closed. */
static int add_call(struct event_loop *loop, struct event_call *call)
{
	struct event_call **end;
	bool closed;

	call->next = NULL;
	pthread_mutex_lock(&loop->calls_lock);
	closed = loop->closed;
	if (!closed) {
		/* The list is short: each vCPU has one or two calls. */
		for (end = &loop->calls; *end; end = &(*end)->next)
			;
		*end = call;
	}
	pthread_mutex_unlock(&loop->calls_lock);
	if (closed)
		return -ECANCELED;
	ring_wake(loop);
	return 0;
}

int event_loop_post(struct event_loop *loop, struct event_call *call)
{
	call->awaited = false;
	return add_call(loop, call);
}

int event_loop_call(struct event_loop *loop, struct event_call *call)
{
	int ret;

	sem_init(&call->finished, 0, 0);
	call->awaited = true;
	ret = add_call(loop, call);
	if (ret < 0)
		return ret;
	while (sem_wait(&call->finished) < 0)
		; /* EINTR */
	return 0;
}

void event_loop_close(struct event_loop *loop)
{
	pthread_mutex_lock(&loop->calls_lock);
	loop->closed = true;
	pthread_mutex_unlock(&loop->calls_lock);
	run_calls(loop);
}
