// SPDX-License-Identifier: Apache-2.0
/*
 * Numbered, checksummed records in directories, for scripts/host/power-cut: "append" writes one
 * after the other, each durably before it is reported, and goes round the directories, which may be
 * on several disks; "list" shows which are whole. The first runs in a guest, the second wherever
 * the files are. Start at main.
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
#define MAX_LOGS 8

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

/* A directory, which has the records in turn with the others. */
struct log {
	int directory;
	int fd;	      /* of the file that is read or written, or -1 */
	off_t offset; /* in it, behind the last whole record */
};

static struct log logs[MAX_LOGS];
static unsigned int log_count;

static struct log *log_of(uint64_t number)
{
	return &logs[(number - 1) % log_count];
}

/* The number of the record @number within its directory, from 0. */
static uint64_t index_of(uint64_t number)
{
	return (number - 1) / log_count;
}

/* Opens the file of the record @number in place of the one before. False if there is none. */
static bool open_file(struct log *log, uint64_t number, int flags)
{
	char name[32];

	if (log->fd >= 0)
		close(log->fd);
	snprintf(name, sizeof(name), "%06" PRIu64, index_of(number) / PER_FILE);
	log->fd = openat(log->directory, name, flags | O_CLOEXEC, 0644);
	if (log->fd < 0 && errno != ENOENT)
		fail(errno, "open the file of record %" PRIu64, number);
	return log->fd >= 0;
}

static bool starts_file(uint64_t number)
{
	return index_of(number) % PER_FILE == 0;
}

/* Reads all whole records from the first on, up to one that is not. With @show prints each. */
static uint64_t read_all(bool show)
{
	static struct record r;

	for (uint64_t number = 1;; number++) {
		struct log *log = log_of(number);

		if (starts_file(number)) {
			log->offset = 0;
			open_file(log, number, O_RDONLY);
		}
		if (log->fd < 0 || !read_record(log->fd, log->offset, number, &r))
			return number - 1;
		log->offset += (off_t)size_of(&r);
		if (show)
			printf("%" PRIu64 " %016" PRIx64 "\n", number, r.sum);
	}
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

/* Opens the file for the record @number, and cuts off what lies behind the whole ones: at most one
 * that nobody was told of. */
static void open_to_append(struct log *log, uint64_t number)
{
	if (starts_file(number))
		log->offset = 0;
	if (!open_file(log, number, O_RDWR | O_CREAT) || ftruncate(log->fd, log->offset))
		fail(errno, "open the file of record %" PRIu64, number);
}

/* Until a disk is full, or the machine ends. */
static void append(void)
{
	static struct record r;
	uint64_t end = read_all(false);

	printf("records: recovered %" PRIu64 ".\n", end);
	for (uint64_t number = end + 1;; number++) {
		struct log *log = log_of(number);

		/* read_all has opened files to read only. */
		if (number <= end + log_count || starts_file(number))
			open_to_append(log, number);
		fill(&r, number);
		store(log->fd, log->offset, &r);
		if (fsync(log->fd) || (starts_file(number) && fsync(log->directory)))
			fail(errno, "fsync for record %" PRIu64, number);
		log->offset += (off_t)size_of(&r);
		/* Only now, and out before anything else: stdout has lines. */
		printf("records: acknowledged %" PRIu64 " %016" PRIx64 ".\n", number, r.sum);
	}
}

static void add_log(const char *path, bool make)
{
	struct log *log = &logs[log_count++];

	if (make && mkdir(path, 0755) && errno != EEXIST)
		fail(errno, "mkdir %s", path);
	log->fd = -1;
	log->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->directory < 0)
		fail(errno, "open %s", path);
}

int main(int argc, char **argv)
{
	bool is_append = argc > 1 && strcmp(argv[1], "append") == 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3 || argc > 2 + MAX_LOGS || (!is_append && strcmp(argv[1], "list")))
		fail(0, "usage: records append|list DIRECTORY...");
	for (int i = 2; i < argc; i++)
		add_log(argv[i], is_append);
	if (is_append)
		append();
	read_all(true);
	return 0;
}
