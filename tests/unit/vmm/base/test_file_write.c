// SPDX-License-Identifier: Apache-2.0
/* Writing all of something where write(2) takes a part, is interrupted or fails. */
#include "vmm/base/file_write.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

TestSuite(file_write, .timeout = 10);

#define LIMIT 100

static int temporary(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	cr_assert(fd >= 0);
	return fd;
}

Test(file_write, everything)
{
	char back[8] = "";
	int fd = temporary();

	check_eq(file_write_all(fd, "one", 3), 0);
	check_eq(file_write_all(fd, "", 0), 0);
	check_eq(file_write_all(fd, "two", 3), 0);
	check_eq(pread(fd, back, sizeof(back), 0), 6);
	check_str(back, "onetwo");
	close(fd);
}

/* The limit lets write(2) take a part of it; the call for the rest fails. */
Test(file_write, part_of_it)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	const char data[2 * LIMIT] = "";
	int fd = temporary();

	signal(SIGXFSZ, SIG_IGN);
	check_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_eq(file_write_all(fd, data, sizeof(data)), -EFBIG);
	check_eq(lseek(fd, 0, SEEK_END), LIMIT);
	close(fd);
}

Test(file_write, nothing_of_it)
{
	int full = open("/dev/full", O_WRONLY);

	check_eq(file_write_all(full, "x", 1), -ENOSPC);
	close(full);
	check_eq(file_write_all(full, "x", 1), -EBADF);
}

Test(file_write, at_an_offset)
{
	struct error err;
	char back[8] = "";
	int fd = temporary();

	check_eq(file_write_at(fd, 3, "two", 3, "save x", &err), 0);
	check_eq(file_write_at(fd, 0, "one", 3, "save x", &err), 0);
	check_eq(file_write_at(fd, 100, "", 0, "save x", &err), 0);
	check_eq(pread(fd, back, sizeof(back), 0), 6);
	check_str(back, "onetwo");
	check_eq(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
}

/*
 * bad input: Host resources: while a file is written no space is left, the size of files is
 * limited, or the descriptor is closed -> the error names the file, the place in it and the cause
 */
Test(file_write, at_an_offset_with_errors)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	const char data[2 * LIMIT] = "";
	int full = open("/dev/full", O_WRONLY), fd = temporary();
	struct error err;

	check_eq(file_write_at(full, 5, "ab", 2, "save x", &err), -ENOSPC);
	check_str(err.text, "save x: cannot write 2 bytes at byte 5: No space left on device; free "
			    "some space there");
	close(full);
	check_eq(file_write_at(full, 5, "ab", 2, "save x", &err), -EBADF);
	check_str(err.text, "save x: cannot write 2 bytes at byte 5: Bad file descriptor");
	signal(SIGXFSZ, SIG_IGN);
	check_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_eq(file_write_at(fd, 10, data, sizeof(data), "save x", &err), -EFBIG);
	check_contains(err.text, "cannot write 110 bytes at byte 100: File too large; raise");
	check_eq(lseek(fd, 0, SEEK_END), LIMIT);
	close(fd);
}

/*
 * bad input: Backing file: a file is truncated while the memory that maps it is written to a
 * snapshot -> the save fails with an error, and there is no SIGBUS
 */
Test(file_write, of_a_truncated_mapping)
{
	int source = temporary(), fd = temporary();
	struct error err;
	void *map;

	check_eq(ftruncate(source, 2 * 4096), 0);
	map = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, source, 0);
	check_eq(ftruncate(source, 4096), 0);
	check_eq(file_write_at(fd, 0, map, 2 * 4096, "save x", &err), -EFAULT);
	check_contains(err.text, "save x: cannot write 4096 bytes at byte 4096: Bad address; the");
	munmap(map, 2 * 4096);
	close(source);
	close(fd);
}

#define PIPE 4096

static int ends[2];
static char taken[8 * PIPE];
static size_t n_taken;

static void take_bytes(int number)
{
	ssize_t n = read(ends[0], taken + n_taken, sizeof(taken) - n_taken);

	n_taken += n > 0 ? (size_t)n : 0;
}

/* Signals find the call waiting for room in a full pipe, and make some: for a part of it only. */
Test(file_write, after_signals)
{
	const struct sigaction action = { .sa_handler = take_bytes };
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	char data[PIPE] = "", more[3 * PIPE];

	for (unsigned i = 0; i < sizeof(more); i++)
		more[i] = (char)(i + i / 256);
	check_eq(pipe2(ends, O_NONBLOCK), 0);
	check_eq(fcntl(ends[1], F_SETPIPE_SZ, PIPE), PIPE);
	check_eq(file_write_all(ends[1], data, PIPE), 0);
	check_eq(file_write_all(ends[1], more, 1), -EAGAIN);
	check_eq(fcntl(ends[1], F_SETFL, 0), 0);
	check_eq(sigaction(SIGALRM, &action, NULL), 0);
	check_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	check_eq(file_write_all(ends[1], more, sizeof(more)), 0);
	check_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	take_bytes(0);
	check_eq(n_taken, PIPE + sizeof(more));
	check_eq(memcmp(taken + PIPE, more, sizeof(more)), 0);
}

/* bad input: Host resources: a pipe that nobody reads -> the write ends when its time is over */
Test(file_write, patience_ends)
{
	static char page[PIPE], back[PIPE];

	check_eq(pipe(ends), 0);
	check_eq(fcntl(ends[1], F_SETPIPE_SZ, PIPE), PIPE);
	check_eq(file_write_patiently(ends[1], page, PIPE, 1000), 0);
	check_eq(file_write_patiently(ends[1], "rest", 4, 50), -ETIMEDOUT);
	check_eq(read(ends[0], back, PIPE), PIPE);
	check_eq(file_write_patiently(ends[1], "rest", 4, 50), 0);
	check_eq(read(ends[0], back, PIPE), 4);
}

static void *read_late(void *arg)
{
	unsigned *left = arg;

	while (*left) {
		ssize_t n;

		usleep(20000);
		n = read(ends[0], taken, sizeof(taken));
		*left -= n > 0 ? (unsigned)n : 0;
	}
	return NULL;
}

/* As launchers make them: a reader who comes later than the non-blocking pipe is full. */
Test(file_write, patience_with_a_non_blocking_pipe)
{
	static char data[3 * PIPE];
	unsigned left = sizeof(data);
	pthread_t reader;

	check_eq(pipe2(ends, O_NONBLOCK), 0);
	check_eq(fcntl(ends[1], F_SETPIPE_SZ, PIPE), PIPE);
	check_eq(pthread_create(&reader, NULL, read_late, &left), 0);
	check_eq(file_write_patiently(ends[1], data, sizeof(data), 5000), 0);
	pthread_join(reader, NULL);
	check_eq(left, 0);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	check_eq(file_write_patiently(ends[1], data, 1, 5000), -EPIPE);
}
