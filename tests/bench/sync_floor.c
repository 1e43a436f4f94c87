// SPDX-License-Identifier: Apache-2.0
/*
 * What a flush costs without a VM: stores to a shared mapping of a file, and fdatasync of it,
 * called directly or by io_uring as mvmm calls it, with so many in flight. Read main from the top.
 *
 *     sync_floor FILE direct|uring|doorbell|bare-doorbell OUTSTANDING COUNT
 *
 * "doorbell" has a VM's two threads: one stores, rings an eventfd, and waits as KVM waits for a
 * halted vCPU; the other reads the eventfd and calls fdatasync by io_uring. "bare-doorbell" leaves
 * the fdatasync out. It prints "latency-ns ..." with each fdatasync's time in order of completion,
 * then "rate-per-s N".
 */
#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTSTANDING 128
#define SIZE (2UL << 20)
#define HALT_POLL_NS 200000
#define PAUSE_NS 400000

static int fd;
static volatile uint64_t *memory;
static int64_t *samples;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void direct(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int64_t start = now_ns();

		memory[0] = i;
		if (fdatasync(fd) < 0)
			err(EXIT_FAILURE, "fdatasync");
		samples[i] = now_ns() - start;
	}
}

static void submit(struct io_uring *ring, unsigned n, unsigned i, int64_t started[])
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	memory[n] = i;
	started[n] = now_ns();
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data64(sqe, n);
	if (io_uring_submit(ring) != 1)
		errx(EXIT_FAILURE, "io_uring_submit");
}

static void uring(unsigned outstanding, unsigned count)
{
	int64_t started[MAX_OUTSTANDING];
	struct io_uring ring;
	unsigned begun = 0;

	if (io_uring_queue_init(MAX_OUTSTANDING, &ring, 0) < 0)
		errx(EXIT_FAILURE, "io_uring is not available");
	while (begun < outstanding && begun < count)
		submit(&ring, begun, begun, started), begun++;
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_cqe *cqe;
		unsigned n;

		if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res < 0)
			errx(EXIT_FAILURE, "fdatasync by io_uring");
		n = (unsigned)io_uring_cqe_get_data64(cqe);
		io_uring_cqe_seen(&ring, cqe);
		samples[i] = now_ns() - started[n];
		if (begun < count)
			submit(&ring, n, begun++, started);
	}
	io_uring_queue_exit(&ring);
}

static int doorbell;
static bool with_sync;
static uint32_t asked, answered;

static void *serve(void *ring)
{
	uint64_t rung;

	for (;;) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		struct io_uring_cqe *cqe;

		io_uring_prep_read(sqe, doorbell, &rung, sizeof(rung), 0);
		for (int steps = with_sync ? 2 : 1; steps; steps--) {
			if (io_uring_submit_and_wait(ring, 1) < 0 ||
			    io_uring_wait_cqe(ring, &cqe) < 0 || cqe->res < 0)
				errx(EXIT_FAILURE, "doorbell or fdatasync by io_uring");
			io_uring_cqe_seen(ring, cqe);
			if (steps == 2)
				io_uring_prep_fsync(io_uring_get_sqe(ring), fd,
						    IORING_FSYNC_DATASYNC);
		}
		__atomic_add_fetch(&answered, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &answered, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

/* KVM polls for a while before a halted vCPU's thread sleeps (halt_poll_ns). */
static void wait_for_answer(uint32_t before)
{
	const int64_t start = now_ns();

	while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) == before)
		if (now_ns() - start > HALT_POLL_NS)
			syscall(SYS_futex, &answered, FUTEX_WAIT_PRIVATE, before, NULL, NULL, 0);
}

static void rings(unsigned count)
{
	struct io_uring ring;
	pthread_t thread;

	doorbell = eventfd(0, EFD_CLOEXEC);
	if (io_uring_queue_init(8, &ring, 0) < 0 ||
	    pthread_create(&thread, NULL, serve, &ring) != 0)
		errx(EXIT_FAILURE, "io_uring or a thread is not available");
	for (unsigned i = 0; i < count; i++) {
		int64_t start = now_ns();

		memory[0] = i;
		asked++;
		eventfd_write(doorbell, 1);
		wait_for_answer(asked - 1);
		samples[i] = now_ns() - start;
		/* What the test guest does between two flushes. */
		while (now_ns() - start < samples[i] + PAUSE_NS)
			;
	}
}

int main(int argc, char **argv)
{
	unsigned outstanding = argc == 5 ? (unsigned)atoi(argv[3]) : 0;
	unsigned count = argc == 5 ? (unsigned)atoi(argv[4]) : 0;
	int64_t start, end;

	if (outstanding < 1 || outstanding > MAX_OUTSTANDING || count < 1)
		errx(EXIT_FAILURE, "usage: sync_floor FILE direct|uring|doorbell|bare-doorbell "
				   "OUTSTANDING COUNT");
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[1]);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	samples = calloc(count, sizeof(*samples));
	if (memory == MAP_FAILED || !samples)
		err(EXIT_FAILURE, "memory");
	start = now_ns();
	if (strcmp(argv[2], "direct") == 0)
		direct(count);
	else if (strcmp(argv[2], "uring") == 0)
		uring(outstanding, count);
	else
		with_sync = strcmp(argv[2], "doorbell") == 0, rings(count);
	end = now_ns();
	printf("latency-ns");
	for (unsigned i = 0; i < count; i++)
		printf(" %lld", (long long)samples[i]);
	printf("\nrate-per-s %.0f\n", count * 1e9 / (double)(end - start));
	return 0;
}
