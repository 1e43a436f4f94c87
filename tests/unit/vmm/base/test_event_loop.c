// SPDX-License-Identifier: Apache-2.0
/* The loop on real descriptors and threads, and on kernels that lack this or that. */
#include "vmm/base/event_loop.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/refuse_call.h"
#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(event_loop, .timeout = 10);

static struct event_loop loop;

/* An operation whose end is noted, and stops the loop. */
struct noted {
	struct event_op op;
	int result;
	unsigned n;
};

static void note(struct event_op *op, int result)
{
	struct noted *noted = container_of(op, struct noted, op);

	noted->result = result;
	noted->n++;
	event_loop_stop(&loop);
}

static struct noted noted = { .op.done = note };

static void setup(void)
{
	check_eq(event_loop_init(&loop), 0);
}

static void run(void)
{
	unsigned before = noted.n;

	check_eq(event_loop_run(&loop), 0);
	check_eq(noted.n, before + 1);
}

static void read_eventfd(int fd)
{
	uint64_t count = 0;

	event_loop_read(&loop, &noted.op, fd, &count, sizeof(count));
	check_eq(eventfd_write(fd, 5), 0);
	run();
	check_eq(noted.result, 8);
	check_eq(count, 5);
}

Test(event_loop, read_write_and_poll, .init = setup)
{
	char text[8] = "";
	int fds[2];

	check_eq(pipe(fds), 0);
	event_loop_write(&loop, &noted.op, fds[1], "abc", 3);
	run();
	check_eq(noted.result, 3);
	event_loop_poll(&loop, &noted.op, fds[0], POLLIN);
	run();
	check_eq(noted.result & POLLIN, POLLIN);
	event_loop_read(&loop, &noted.op, fds[0], text, sizeof(text));
	run();
	check_eq(noted.result, 3);
	check_str(text, "abc");
	close(fds[1]);
	event_loop_read(&loop, &noted.op, fds[0], text, sizeof(text));
	run();
	check_eq(noted.result, 0);
}

Test(event_loop, errors_are_results, .init = setup)
{
	int fds[2];
	char c;

	check_eq(pipe(fds), 0);
	event_loop_read(&loop, &noted.op, fds[1], &c, 1);
	run();
	check_eq(noted.result, -EBADF);
	event_loop_read(&loop, &noted.op, 200, &c, 1);
	run();
	check_eq(noted.result, -EBADF);
	event_loop_fdatasync(&loop, &noted.op, fds[0]);
	run();
	check_eq(noted.result, -EINVAL);
}

static bool submit_is_busy;

/* In place of liburing's: as an older kernel that keeps completions for which the ring has no room.
 */
int io_uring_submit(struct io_uring *r)
{
	int (*real)(struct io_uring *) =
		(int (*)(struct io_uring *))dlsym(RTLD_NEXT, "io_uring_submit");

	return submit_is_busy && io_uring_cq_ready(r) ? -EBUSY : real(r);
}

/*
 * bad input: Host resources: io_uring_enter fails with EBUSY because the submission ring is full ->
 * the event loop takes completions first, and then submits
 */
Test(event_loop, submission_that_waits_for_completions, .init = setup)
{
	static struct noted many[200];
	int fd = open("/dev/zero", O_RDONLY);
	unsigned done = 0;
	uint64_t count;

	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		many[i].op.done = note;
		event_loop_read(&loop, &many[i].op, fd, &count, sizeof(count));
		if (i == 0) {
			check_eq(io_uring_submit(&loop.ring), 2, "with the loop's own");
			check_eq(io_uring_get_events(&loop.ring), 0);
			check_eq(io_uring_cq_ready(&loop.ring), 1);
			submit_is_busy = true;
		}
	}
	submit_is_busy = false;
	while (done < ARRAY_SIZE(many)) {
		check_eq(event_loop_run(&loop), 0);
		done = 0;
		for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
			done += many[i].n;
	}
	check_eq(many[0].result, sizeof(count));
	check_eq(many[199].result, sizeof(count));
}

Test(event_loop, fdatasync, .init = setup)
{
	const struct io_uring_sqe *sqe;
	char path[32];
	int fd = driver_temp_file(".", 4096, path);

	check_eq(pwrite(fd, "x", 1, 0), 1);
	event_loop_fdatasync(&loop, &noted.op, fd);
	/* Times of access and the like may stay behind, as with fdatasync(2). */
	sqe = &loop.ring.sq.sqes[(loop.ring.sq.sqe_tail - 1) & loop.ring.sq.ring_mask];
	check_eq(sqe->opcode, IORING_OP_FSYNC);
	check_eq(sqe->fsync_flags, IORING_FSYNC_DATASYNC);
	run();
	check_eq(noted.result, 0);
}

/* A timer that notes when it was due, and stops the loop as the last one. */
struct alarm {
	struct event_timer timer;
	unsigned n;
	uint64_t at_ns;
	unsigned rearms; /* by itself, at once */
};

static unsigned n_alarms;

static void ring(struct event_timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);

	check_eq(event_loop_armed(timer), false);
	alarm->n++;
	alarm->at_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (alarm->rearms) {
		alarm->rearms--;
		event_loop_arm(&loop, timer, 0);
	} else if (!--n_alarms) {
		event_loop_stop(&loop);
	}
}

#define ALARM()                                                                                    \
	{                                                                                          \
		.timer.due = ring                                                                  \
	}

/* Runs the loop until @n alarms have rung; returns when it began, in ns. */
static uint64_t run_alarms(unsigned n)
{
	uint64_t begun = clock_now_ns(CLOCK_MONOTONIC);

	n_alarms = n;
	check_eq(event_loop_run(&loop), 0);
	return begun;
}

Test(event_loop, timer, .init = setup)
{
	struct alarm alarm = ALARM();
	uint64_t before = clock_now_ns(CLOCK_MONOTONIC);

	check_eq(event_loop_armed(&alarm.timer), false);
	check_eq(event_loop_left_ns(&alarm.timer), 0);
	event_loop_arm(&loop, &alarm.timer, 3 * NS_PER_MS);
	check_eq(event_loop_armed(&alarm.timer), true);
	cr_assert(event_loop_left_ns(&alarm.timer) > 0);
	cr_assert(event_loop_left_ns(&alarm.timer) <= 3 * NS_PER_MS);
	run_alarms(1);
	cr_assert(alarm.at_ns - before >= 3 * NS_PER_MS);
	cr_assert(alarm.at_ns - before < NS_PER_S);
	check_eq(alarm.n, 1);
}

/* Not in the order in which they were armed; those of one time in that order. */
Test(event_loop, timers_in_order, .init = setup)
{
	static const unsigned ms[] = { 30, 10, 0, 20, 5 };
	struct alarm alarms[] = { ALARM(), ALARM(), ALARM(), ALARM(), ALARM() };

	for (unsigned i = 0; i < ARRAY_SIZE(ms); i++)
		event_loop_arm(&loop, &alarms[i].timer, ms[i] * NS_PER_MS);
	run_alarms(ARRAY_SIZE(ms));
	cr_assert(alarms[2].at_ns < alarms[4].at_ns && alarms[4].at_ns < alarms[1].at_ns);
	cr_assert(alarms[1].at_ns < alarms[3].at_ns && alarms[3].at_ns < alarms[0].at_ns);
	for (unsigned i = 0; i < ARRAY_SIZE(ms); i++)
		check_eq(alarms[i].n, 1);
}

/* Later, earlier, and by itself while it is due. */
Test(event_loop, timer_armed_anew, .init = setup)
{
	struct alarm later = ALARM(), earlier = ALARM(), again = ALARM(), last = ALARM();
	uint64_t begun;

	again.rearms = 3;
	event_loop_arm(&loop, &later.timer, 0);
	event_loop_arm(&loop, &earlier.timer, 1000 * NS_PER_S);
	event_loop_arm(&loop, &again.timer, 0);
	event_loop_arm(&loop, &last.timer, 30 * NS_PER_MS);
	event_loop_arm(&loop, &later.timer, 20 * NS_PER_MS);
	event_loop_arm(&loop, &earlier.timer, 10 * NS_PER_MS);
	begun = run_alarms(4);
	check_eq(later.n, 1);
	check_eq(earlier.n, 1);
	check_eq(again.n, 4);
	cr_assert(later.at_ns - begun >= 10 * NS_PER_MS);
	cr_assert(earlier.at_ns < later.at_ns);
	check_eq(loop.timers, NULL);
}

static void cancel_other(struct event_timer *timer)
{
	struct alarm *pair = container_of(timer, struct alarm, timer);

	pair->n++;
	event_loop_cancel(&loop, &pair[1].timer);
}

/* First, last, in the middle; one that is due already, by one that is due before it. */
Test(event_loop, timer_cancelled, .init = setup)
{
	struct alarm alarms[] = { ALARM(), ALARM(), ALARM(), ALARM() };
	struct alarm pair[] = { { .timer.due = cancel_other }, ALARM() };

	event_loop_arm(&loop, &pair[0].timer, 0);
	event_loop_arm(&loop, &pair[1].timer, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(alarms); i++)
		event_loop_arm(&loop, &alarms[i].timer, (i + 1) * NS_PER_MS);
	event_loop_cancel(&loop, &alarms[0].timer);
	event_loop_cancel(&loop, &alarms[2].timer);
	event_loop_cancel(&loop, &alarms[2].timer);
	event_loop_cancel(&loop, &alarms[3].timer);
	event_loop_arm(&loop, &alarms[3].timer, 5 * NS_PER_MS);
	check_eq(event_loop_armed(&alarms[0].timer), false);
	run_alarms(2);
	check_eq(alarms[0].n, 0);
	check_eq(alarms[1].n, 1);
	check_eq(alarms[2].n, 0);
	check_eq(alarms[3].n, 1);
	check_eq(pair[0].n, 1);
	check_eq(pair[1].n, 0);
}

/* Completions come in time while a timer is armed. */
Test(event_loop, timer_beside_operations, .init = setup)
{
	struct alarm alarm = ALARM();
	int fd = eventfd(0, 0);

	event_loop_arm(&loop, &alarm.timer, 1000 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		read_eventfd(fd);
	check_eq(alarm.n, 0);
	event_loop_arm(&loop, &alarm.timer, 0);
	run_alarms(1);
}

static unsigned n_ticks;

static void count_tick(struct event_op *op, int result)
{
	n_ticks++;
}

/*
 * bad input: Host resources: io_uring of Linux 5.10, which cannot wait with a timeout -> timers
 * work all the same
 */
Test(event_loop, timers_without_timed_waits, .init = setup)
{
	struct alarm alarm = ALARM();
	int fd = eventfd(0, 0);
	uint64_t begun;

	loop.ring.features &= ~(unsigned)IORING_FEAT_EXT_ARG;
	event_loop_arm(&loop, &alarm.timer, 20 * NS_PER_MS);
	begun = run_alarms(1);
	cr_assert(alarm.at_ns - begun >= 10 * NS_PER_MS);
	check_eq(alarm.n, 1);
	/* Nothing is left in the ring for long. */
	loop.tick.done = count_tick;
	event_loop_arm(&loop, &alarm.timer, 1000 * NS_PER_S);
	for (unsigned i = 0; i < 50; i++)
		read_eventfd(fd);
	cr_assert(n_ticks >= 45, "%u", n_ticks);
}

/* What has a timer may go after the loop, or be used with another one. */
Test(event_loop, fini_with_armed_timers, .init = setup)
{
	struct alarm a = ALARM(), b = ALARM();

	event_loop_arm(&loop, &a.timer, 0);
	event_loop_arm(&loop, &b.timer, NS_PER_S);
	event_loop_fini(&loop);
	check_eq(event_loop_armed(&a.timer), false);
	check_eq(event_loop_armed(&b.timer), false);
	event_loop_cancel(&loop, &a.timer);
	check_eq(event_loop_init(&loop), 0);
	event_loop_arm(&loop, &a.timer, 0);
	run_alarms(1);
	check_eq(a.n, 1);
	check_eq(b.n, 0);
}

/* Registered, not registered, and beyond what can be. */
Test(event_loop, descriptors_of_every_kind, .init = setup)
{
	int fd = eventfd(0, 0), high;

	read_eventfd(fd);
	event_loop_register(&loop, fd);
	check_eq(loop.registered[fd], true);
	read_eventfd(fd);
	high = fcntl(fd, F_DUPFD, EVENT_LOOP_FILES + 50);
	cr_assert(high >= EVENT_LOOP_FILES);
	event_loop_register(&loop, high);
	read_eventfd(high);
	check_eq(fcntl(fd, F_DUPFD, EVENT_LOOP_FILES), EVENT_LOOP_FILES);
	event_loop_register(&loop, EVENT_LOOP_FILES);
	read_eventfd(EVENT_LOOP_FILES);
	/* One that would find something behind the table. */
	high = (int)(offsetof(struct event_loop, wake_fd) -
		     offsetof(struct event_loop, registered));
	cr_assert(high >= EVENT_LOOP_FILES);
	check_eq(fcntl(fd, F_DUPFD, high), high);
	event_loop_register(&loop, high);
	read_eventfd(high);
	check_eq(fcntl(fd, F_DUPFD, EVENT_LOOP_FILES - 1), EVENT_LOOP_FILES - 1);
	event_loop_register(&loop, EVENT_LOOP_FILES - 1);
	read_eventfd(EVENT_LOOP_FILES - 1);
}

struct many {
	struct event_op op;
	uint64_t count;
};

static unsigned many_left;

static void many_done(struct event_op *op, int result)
{
	check_eq(result, 8);
	check_eq(container_of(op, struct many, op)->count, 1);
	if (--many_left == 0)
		event_loop_stop(&loop);
}

/* More than the submission ring has entries. */
Test(event_loop, many_at_once, .init = setup)
{
	static struct many many[600];
	int fd = eventfd(ARRAY_SIZE(many), EFD_SEMAPHORE);

	many_left = ARRAY_SIZE(many);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i].op.done = many_done;
		event_loop_read(&loop, &many[i].op, fd, &many[i].count, 8);
	}
	check_eq(event_loop_run(&loop), 0);
	check_eq(many_left, 0);
}

static int requeue_fd;
static uint64_t requeue_count;

static void requeue(struct event_op *op, int result)
{
	check_eq(result, 8);
	check_eq(eventfd_write(requeue_fd, 1), 0);
	if (++noted.n < 1000)
		event_loop_read(&loop, op, requeue_fd, &requeue_count, 8);
	else
		event_loop_stop(&loop);
}

Test(event_loop, done_may_queue_again, .init = setup)
{
	struct event_op op = { .done = requeue };

	requeue_fd = eventfd(1, 0);
	event_loop_read(&loop, &op, requeue_fd, &requeue_count, 8);
	check_eq(event_loop_run(&loop), 0);
	check_eq(noted.n, 1000);
}

Test(event_loop, stop_before_run_stops_it_once, .init = setup)
{
	int fd = eventfd(1, 0);
	uint64_t count;

	event_loop_stop(&loop);
	check_eq(event_loop_run(&loop), 0);
	event_loop_read(&loop, &noted.op, fd, &count, 8);
	run();
}

static void do_nothing(void *arg)
{
	(void)arg; /* driver_with_thread stops the loop behind it */
}

Test(event_loop, stop_from_another_thread)
{
	static struct driver_host host;

	driver_host_init(&host);
	for (unsigned n = 0; n < 200; n++)
		driver_with_thread(&host, do_nothing, NULL);
}

struct work {
	struct event_call call;
	pthread_t ran_on;
	unsigned ran, *order;
};

static void do_work(struct event_call *call)
{
	struct work *work = container_of(call, struct work, call);

	work->ran_on = pthread_self();
	work->ran = ++*work->order;
}

static pthread_t loop_thread;

static void call_from_here(void *arg)
{
	struct driver_host *host = arg;
	unsigned order = 0;

	for (unsigned n = 1; n <= 1000; n++) {
		struct work work = { .call.run = do_work, .order = &order };

		check_eq(event_loop_call(&host->loop, &work.call), 0);
		check_eq(work.ran, n);
		cr_assert(pthread_equal(work.ran_on, loop_thread));
	}
}

Test(event_loop, calls_run_on_the_loops_thread)
{
	static struct driver_host host;

	driver_host_init(&host);
	loop_thread = pthread_self();
	driver_with_thread(&host, call_from_here, &host);
}

static void *call_once(void *arg)
{
	struct work *work = arg;

	return (void *)(intptr_t)event_loop_call(&loop, &work->call);
}

/* Waits until @n calls are waiting in the loop. */
static void await_calls(unsigned n)
{
	unsigned found = 0;

	while (found < n) {
		pthread_mutex_lock(&loop.calls_lock);
		found = 0;
		for (const struct event_call *c = loop.calls; c; c = c->next)
			found++;
		pthread_mutex_unlock(&loop.calls_lock);
		sched_yield();
	}
}

Test(event_loop, calls_run_oldest_first, .init = setup)
{
	struct work works[4];
	pthread_t threads[4];
	unsigned order = 0;

	for (unsigned i = 0; i < 4; i++) {
		works[i] = (struct work){ .call.run = do_work, .order = &order };
		check_eq(pthread_create(&threads[i], NULL, call_once, &works[i]), 0);
		await_calls(i + 1);
	}
	event_loop_close(&loop);
	for (unsigned i = 0; i < 4; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		check_eq((intptr_t)ret, 0);
		check_eq(works[i].ran, i + 1);
	}
}

Test(event_loop, calls_are_refused_once_closed, .init = setup)
{
	unsigned order = 0;
	struct work work = { .call.run = do_work, .order = &order };

	event_loop_close(&loop);
	check_eq(event_loop_call(&loop, &work.call), -ECANCELED);
	check_eq(work.ran, 0);
	event_loop_fini(&loop);
	check_eq(event_loop_call(&loop, &work.call), -ECANCELED);
}

Test(event_loop, fini_takes_anything)
{
	static struct event_loop zeroed;

	event_loop_fini(&zeroed);
	check_eq(event_loop_init(&loop), 0);
	event_loop_fini(&loop);
	event_loop_fini(&loop);
	check_eq(event_loop_init(&loop), 0);
	read_eventfd(eventfd(0, 0));
}

Test(event_loop, fini_with_operations_in_flight, .init = setup)
{
	int fd = eventfd(0, 0);
	uint64_t count;

	event_loop_read(&loop, &noted.op, fd, &count, 8);
	io_uring_submit(&loop.ring);
	event_loop_fini(&loop);
	check_eq(noted.n, 0);
}

/*
 * bad input: Host resources: no descriptor is left for io_uring (EMFILE) -> refused, and everything
 * is closed
 */
Test(event_loop, no_descriptors_left)
{
	struct rlimit limit, tight;
	int lowest = dup(0);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	/* For nothing, then for the eventfd only. */
	for (int n = 0; n < 2; n++) {
		tight = (struct rlimit){ (rlim_t)(lowest + n), limit.rlim_max };
		setrlimit(RLIMIT_NOFILE, &tight);
		check_eq(event_loop_init(&loop), -EMFILE, "%d", n);
		setrlimit(RLIMIT_NOFILE, &limit);
		check_eq(dup(0), lowest, "all is closed");
		close(lowest);
	}
}

/*
 * bad input: Host resources: io_uring is forbidden (EPERM) -> the function returns -EPERM, and
 * everything is closed
 */
Test(event_loop, io_uring_is_forbidden)
{
	int lowest = dup(0);

	close(lowest);
	refuse_call(SYS_io_uring_setup, EPERM);
	check_eq(event_loop_init(&loop), -EPERM);
	check_eq(dup(0), lowest, "all is closed");
}

/* bad input: Host resources: the kernel has no io_uring (ENOSYS) -> the function returns -ENOSYS */
Test(event_loop, io_uring_is_not_there)
{
	refuse_call(SYS_io_uring_setup, ENOSYS);
	check_eq(event_loop_init(&loop), -ENOSYS);
}

/*
 * bad input: Host resources: an io_uring with which files cannot be registered -> the event loop
 * works, more slowly
 */
Test(event_loop, nothing_can_be_registered)
{
	int fd = eventfd(0, 0);

	refuse_command(SYS_io_uring_register, IORING_REGISTER_FILES2, EINVAL);
	refuse_command(SYS_io_uring_register, IORING_REGISTER_RING_FDS, EINVAL);
	check_eq(event_loop_init(&loop), 0);
	check_eq(loop.files_ready, false);
	/* What the kernel does not know cannot be in a restriction either. */
	check_eq(syscall(SYS_io_uring_register, loop.ring.ring_fd, IORING_UNREGISTER_RING_FDS, NULL,
			 0),
		 -1);
	check_eq(errno, EACCES);
	event_loop_register(&loop, fd);
	check_eq(loop.registered[fd], false);
	read_eventfd(fd);
	event_loop_fini(&loop);
}

/*
 * bad input: Host resources: an io_uring that cannot be restricted -> status 39, as where io_uring
 * is forbidden
 */
Test(event_loop, restrictions_are_refused)
{
	int lowest = dup(0);

	close(lowest);
	refuse_call(SYS_io_uring_register, EPERM);
	check_eq(event_loop_init(&loop), -EPERM);
	check_eq(dup(0), lowest, "all is closed");
}

/*
 * What a seccomp filter would not see.
 * bad input: Sandbox: io_uring is asked to open a file, to make a socket, or for a registration or
 * flag that mvmm does not use -> EACCES
 */
Test(event_loop, the_ring_does_nothing_else, .init = setup)
{
	struct io_uring_sqe *sqe;
	struct open_how how = { .flags = O_RDONLY };
	int pair[2];

	sqe = io_uring_get_sqe(&loop.ring);
	io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0);
	io_uring_sqe_set_data(sqe, &noted.op);
	event_loop_run(&loop);
	check_eq(noted.result, -EACCES, "openat");

	sqe = io_uring_get_sqe(&loop.ring);
	io_uring_prep_openat2(sqe, AT_FDCWD, "/dev/null", &how);
	io_uring_sqe_set_data(sqe, &noted.op);
	event_loop_run(&loop);
	check_eq(noted.result, -EACCES, "openat2");

	sqe = io_uring_get_sqe(&loop.ring);
	io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0);
	io_uring_sqe_set_data(sqe, &noted.op);
	event_loop_run(&loop);
	check_eq(noted.result, -EACCES, "socket");

	check_eq(io_uring_register_eventfd(&loop.ring, 0), -EACCES, "registering");
	check_eq(pipe(pair), 0);
	sqe = io_uring_get_sqe(&loop.ring);
	io_uring_prep_write(sqe, pair[1], "x", 1, -1);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data(sqe, &noted.op);
	event_loop_run(&loop);
	check_eq(noted.result, -EACCES, "a flag that is not used");
	check_eq(noted.n, 4);
}

/*
 * Takes the library's place for every test: an older kernel, in as much as it refuses these setup
 * flags, as kernels do with what they do not know.
 */
static unsigned refused_flags, used_flags;

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	struct io_uring_params params = { .flags = flags };

	if (flags & refused_flags)
		return -EINVAL;
	used_flags = flags;
	return io_uring_queue_init_params(entries, ring, &params);
}

/* Whether the page is in this process's page table, so that an access does not even fault. */
static bool is_mapped(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	check_eq(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / 4096 * sizeof(entry))),
		 sizeof(entry));
	close(fd);
	return entry >> 63;
}

Test(event_loop, populate, .init = setup)
{
	char path[32];
	int fd = driver_temp_file("/dev/shm", 4 * 4096, path);
	uint8_t *file = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	/* The last byte of a page, and the first of the next. */
	event_loop_populate(&loop, &noted.op, file + 4096 - 1, 2, false);
	run();
	check_eq(noted.result, 0);
	cr_assert(is_mapped(file) && is_mapped(file + 4096) && !is_mapped(file + 2 * 4096));
	event_loop_populate(&loop, &noted.op, file + 3 * 4096, 1, true);
	run();
	check_eq(noted.result, 0);
	cr_assert(is_mapped(file + 3 * 4096) && !is_mapped(file + 2 * 4096));
	/* Behind the file's end. */
	event_loop_populate(&loop, &noted.op, file + 6 * 4096, 1, true);
	run();
	check_eq(noted.result, -EFAULT);
	munmap(file, 8 * 4096);
	close(fd);
}

/*
 * bad input: Host resources: io_uring of older kernels, which know fewer flags -> the event loop
 * works
 */
Test(event_loop, older_kernels)
{
	static const unsigned refused[] = {
		0,
		IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
	};
	static const unsigned used[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		refused_flags = refused[i];
		check_eq(event_loop_init(&loop), 0);
		check_eq(used_flags, used[i] | IORING_SETUP_R_DISABLED);
		read_eventfd(eventfd(0, 0));
		event_loop_fini(&loop);
	}
	refused_flags = ~0u;
	check_eq(event_loop_init(&loop), -EINVAL,
		 "a ring that is not disabled cannot be restricted");
}

/* A call that posts itself again. */
struct poster {
	struct event_call call;
	unsigned posts_left;
};

static void post_again(struct event_call *call)
{
	struct poster *again = container_of(call, struct poster, call);

	if (!again->posts_left) {
		event_loop_stop(&loop);
		return;
	}
	again->posts_left--;
	check_eq(event_loop_post(&loop, call), 0);
}

static unsigned posts_when_the_timer_ended;
static struct poster poster = { .call.run = post_again, .posts_left = 100000 };

static void note_posts(struct event_timer *timer)
{
	posts_when_the_timer_ended = poster.posts_left;
}

/* However fast calls come, they leave the loop time for other things. */
Test(event_loop, calls_do_not_starve_the_loop, .init = setup)
{
	struct event_timer soon = { .due = note_posts };

	event_loop_arm(&loop, &soon, 1);
	check_eq(event_loop_post(&loop, &poster.call), 0);
	check_eq(event_loop_run(&loop), 0);
	cr_assert(posts_when_the_timer_ended > 1000, "%u", posts_when_the_timer_ended);
}
