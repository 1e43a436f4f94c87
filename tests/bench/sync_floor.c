// SPDX-License-Identifier: Apache-2.0
/*
 * What a flush costs without a VM: stores to a shared mapping of a file, and fdatasync of it,
 * called directly or by io_uring as mvmm calls it, with so many in flight. Read main from the top.
 *
 *     sync_floor FILE direct|uring OUTSTANDING COUNT
 *
 * prints "latency-ns ..." with each fdatasync's time in order of completion, then "rate-per-s N".
 */
#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTSTANDING 128
#define SIZE (2UL << 20)

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

int main(int argc, char **argv)
{
	unsigned outstanding = argc == 5 ? (unsigned)atoi(argv[3]) : 0;
	unsigned count = argc == 5 ? (unsigned)atoi(argv[4]) : 0;
	int64_t start, end;

	if (outstanding < 1 || outstanding > MAX_OUTSTANDING || count < 1)
		errx(EXIT_FAILURE, "usage: sync_floor FILE direct|uring OUTSTANDING COUNT");
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
	else
		uring(outstanding, count);
	end = now_ns();
	printf("latency-ns");
	for (unsigned i = 0; i < count; i++)
		printf(" %lld", (long long)samples[i]);
	printf("\nrate-per-s %.0f\n", count * 1e9 / (double)(end - start));
	return 0;
}
