// SPDX-License-Identifier: Apache-2.0
/*
 * Numbered, checksummed records in a directory, for scripts/host/power-cut: "append" writes one
 * after the other, each durably before it is reported; "list" shows which are whole. The first runs
 * in a guest, the second wherever the files are. Start at main.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x44524f434552444eULL
#define PER_FILE 64    /* records: then a new file, for the sake of the directory's durability */
#define MAX_WORDS 1024 /* of 8 bytes */

/* What is in a file: records behind each other, none with a gap. */
struct record {
	uint64_t magic;
	uint64_t number; /* from 1 */
	uint64_t words;	 /* of the payload */
	uint64_t salt;	 /* another one each time that a record is written */
	uint64_t sum;	 /* of all that is before and behind it */
	uint64_t payload[MAX_WORDS];
};

#define HEADER offsetof(struct record, payload)

static void __attribute__((noreturn, format(printf, 2, 3))) fail(int error, const char *format, ...)
{
	va_list arguments;

	printf("MVMM-TEST FAIL records: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf(error ? ": %s\n" : "\n", strerror(error));
	exit(1);
}

/* FNV-1a, a word at a time. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
	sum ^= word;
	sum *= 0x100000001b3;
	return sum ^ sum >> 29;
}

static uint64_t sum_of(const struct record *r)
{
	uint64_t sum = 0xcbf29ce484222325;

	sum = add_word(add_word(sum, r->number), add_word(r->words, r->salt));
	for (uint64_t i = 0; i < r->words; i++)
		sum = add_word(sum, r->payload[i]);
	return sum;
}

static size_t size_of(const struct record *r)
{
	return HEADER + r->words * sizeof(r->payload[0]);
}

/* The size follows from the number; many records lie across a page's end. */
static void fill(struct record *r, uint64_t number)
{
	uint64_t x;

	r->magic = MAGIC;
	r->number = number;
	r->words = number * 397 % MAX_WORDS;
	if (getrandom(&r->salt, sizeof(r->salt), GRND_NONBLOCK) != sizeof(r->salt))
		r->salt = number * 0x9e3779b97f4a7c15 ^ (uint64_t)getpid() << 32;
	x = r->salt | 1;
	for (uint64_t i = 0; i < r->words; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		r->payload[i] = x;
	}
	r->sum = sum_of(r);
}

/* Whether the record @number is whole at @offset. */
static bool read_record(int fd, off_t offset, uint64_t number, struct record *ret)
{
	ssize_t got = pread(fd, ret, sizeof(*ret), offset);

	if (got < 0)
		fail(errno, "read");
	return (size_t)got >= HEADER && ret->magic == MAGIC && ret->number == number &&
	       ret->words <= MAX_WORDS && (size_t)got >= size_of(ret) && ret->sum == sum_of(ret);
}

static int open_file(int directory, uint64_t number, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "%06" PRIu64, (number - 1) / PER_FILE);
	return openat(directory, name, flags | O_CLOEXEC, 0644);
}

/* Where the records end: the last whole one's number, and the offset in its file behind it. */
struct end {
	uint64_t number;
	off_t offset;
};

/* Reads all whole records from the first on, up to one that is not. With @show prints each. */
static struct end read_all(int directory, bool show)
{
	static struct record r;
	struct end end = { 0 };
	int fd = -1;

	for (uint64_t number = 1;; number++) {
		if ((number - 1) % PER_FILE == 0) {
			if (fd >= 0)
				close(fd);
			fd = open_file(directory, number, O_RDONLY);
			if (fd < 0 && errno != ENOENT)
				fail(errno, "open the file of record %" PRIu64, number);
			end.offset = 0;
		}
		if (fd < 0 || !read_record(fd, end.offset, number, &r))
			break;
		end.number = number;
		end.offset += (off_t)size_of(&r);
		if (show)
			printf("%" PRIu64 " %016" PRIx64 "\n", number, r.sum);
	}
	if (fd >= 0)
		close(fd);
	return end;
}

/* Both ways that a program has: through write, and by stores to a mapping. */
static void store(int fd, off_t offset, const struct record *r)
{
	size_t size = size_of(r);
	off_t start = offset & ~4095L;
	size_t length = (size_t)(offset - start) + size;
	uint8_t *map;

	if (r->number % 3) {
		if (pwrite(fd, r, size, offset) != (ssize_t)size)
			fail(errno, "write record %" PRIu64, r->number);
		return;
	}
	if (ftruncate(fd, offset + (off_t)size))
		fail(errno, "ftruncate for record %" PRIu64, r->number);
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	if (map == MAP_FAILED)
		fail(errno, "mmap for record %" PRIu64, r->number);
	memcpy(map + (offset - start), r, size);
	munmap(map, length);
}

/* Until the disk is full, or the machine ends. */
static void append(int directory)
{
	static struct record r;
	struct end end = read_all(directory, false);
	int fd = -1;

	printf("records: recovered %" PRIu64 ".\n", end.number);
	for (uint64_t number = end.number + 1;; number++) {
		bool first = (number - 1) % PER_FILE == 0;

		if (fd < 0 || first) {
			if (fd >= 0)
				close(fd);
			if (first)
				end.offset = 0;
			fd = open_file(directory, number, O_RDWR | O_CREAT);
			/* Behind the whole records lies at most one that nobody was told of. */
			if (fd < 0 || ftruncate(fd, end.offset))
				fail(errno, "open the file of record %" PRIu64, number);
		}
		fill(&r, number);
		store(fd, end.offset, &r);
		if (fsync(fd) || (first && fsync(directory)))
			fail(errno, "fsync for record %" PRIu64, number);
		end.offset += (off_t)size_of(&r);
		/* Only now, and out before anything else: stdout has lines. */
		printf("records: acknowledged %" PRIu64 " %016" PRIx64 ".\n", number, r.sum);
	}
}

int main(int argc, char **argv)
{
	int directory;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3 || (strcmp(argv[1], "append") && strcmp(argv[1], "list")))
		fail(0, "usage: records append DIRECTORY | list DIRECTORY");
	if (argv[1][0] == 'a' && mkdir(argv[2], 0755) && errno != EEXIST)
		fail(errno, "mkdir %s", argv[2]);
	directory = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		fail(errno, "open %s", argv[2]);
	if (argv[1][0] == 'a')
		append(directory);
	read_all(directory, true);
	return 0;
}
