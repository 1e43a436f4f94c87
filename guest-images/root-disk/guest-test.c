// SPDX-License-Identifier: Apache-2.0
/*
 * The test program in the root disk images: writes files durably, reads them back, and finds out
 * whether they are mapped directly (DAX). Each command prints one line and says by its status
 * whether it went well. Start at main.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

static const char *command;

/* Ends the program; with an errno it adds its name. */
static void __attribute__((noreturn, format(printf, 2, 3))) fail(int error, const char *format, ...)
{
	va_list arguments;

	printf("MVMM-TEST FAIL %s: ", command);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	if (error)
		printf(": %s", strerrorname_np(error));
	printf("\n");
	exit(1);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		fail(errno, "open %s", path);
	return fd;
}

static void write_all(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t done = pwrite(fd, data, size, offset);

	if (done < 0)
		fail(errno, "write");
	if ((size_t)done != size)
		fail(0, "write took %zd of %zu bytes", done, size);
}

static void read_all(int fd, void *ret_data, size_t size, off_t offset)
{
	ssize_t done = pread(fd, ret_data, size, offset);

	if (done < 0)
		fail(errno, "read");
	if ((size_t)done != size)
		fail(0, "read gave %zd of %zu bytes", done, size);
}

/* A new file survives a power cut only when its directory has been written too. */
static void sync_file_and_directory(int fd, const char *path)
{
	char directory[BLOCK];
	const char *slash = strrchr(path, '/');
	int directory_fd;

	if (fsync(fd))
		fail(errno, "fsync %s", path);
	snprintf(directory, sizeof(directory), "%.*s/", slash ? (int)(slash - path) : 0, path);
	directory_fd = open_file(slash ? directory : ".", O_RDONLY | O_DIRECTORY);
	if (fsync(directory_fd))
		fail(errno, "fsync %s", directory);
	close(directory_fd);
}

static void command_dax(const char *path)
{
	struct statx information;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &information))
		fail(errno, "statx %s", path);
	if (!(information.stx_attributes_mask & STATX_ATTR_DAX))
		fail(0, "the kernel does not say whether %s is DAX", path);
	if (!(information.stx_attributes & STATX_ATTR_DAX))
		fail(0, "%s is not DAX: it goes through the page cache", path);
	printf("mvmm-guest: %s is DAX\n", path);
}

static void command_write(const char *path, const char *text)
{
	int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);

	write_all(fd, text, strlen(text), 0);
	sync_file_and_directory(fd, path);
	close(fd);
	printf("mvmm-guest: wrote \"%s\" to %s and synced it\n", text, path);
}

static void command_read(const char *path, const char *expected)
{
	char found[BLOCK] = "";
	int fd = open_file(path, O_RDONLY);

	if (read(fd, found, sizeof(found) - 1) < 0)
		fail(errno, "read %s", path);
	close(fd);
	if (strcmp(found, expected) != 0)
		fail(0, "%s holds \"%s\", not \"%s\"", path, found, expected);
	printf("mvmm-guest: read \"%s\" from %s\n", found, path);
}

static long page_cache_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		fail(errno, "open /proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Cached: %ld kB", &kib) == 1)
			break;
	fclose(file);
	if (kib < 0)
		fail(0, "/proc/meminfo has no line Cached");
	return kib;
}

/* The same number of bytes that are written and read would show up in the page cache if they went
 * through it. */
static void command_cache(const char *path, long blocks)
{
	uint8_t block[BLOCK];
	long before, grown, kib = blocks * (BLOCK / 1024);
	int fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);

	before = page_cache_kib();
	for (long i = 0; i < blocks; i++) {
		memset(block, (int)i, sizeof(block));
		write_all(fd, block, sizeof(block), i * BLOCK);
	}
	if (fsync(fd))
		fail(errno, "fsync %s", path);
	for (long i = 0; i < blocks; i++)
		read_all(fd, block, sizeof(block), i * BLOCK);
	grown = page_cache_kib() - before;
	close(fd);
	if (unlink(path))
		fail(errno, "unlink %s", path);
	if (grown > kib / 8)
		fail(0, "writing and reading %ld KiB made the page cache grow by %ld KiB", kib,
		     grown);
	printf("mvmm-guest: page cache grew by %ld KiB while %ld KiB were written and read\n",
	       grown, kib);
}

static long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void command_read_twice(const char *path)
{
	static uint8_t block[64 * BLOCK];
	long took[2], cached, before = page_cache_kib();
	off_t size = 0;

	for (int round = 0; round < 2; round++) {
		int fd = open_file(path, O_RDONLY);
		long start = microseconds();
		ssize_t done;

		for (size = 0; (done = read(fd, block, sizeof(block))) > 0; size += done)
			;
		took[round] = microseconds() - start;
		if (done < 0)
			fail(errno, "read %s", path);
		close(fd);
	}
	cached = page_cache_kib() - before;
	printf("mvmm-guest: read %jd KiB in %ld us and again in %ld us, page cache grew by %ld KiB\n",
	       (intmax_t)size / 1024, took[0], took[1], cached);
}

static int compare_longs(const void *left, const void *right)
{
	long a = *(const long *)left, b = *(const long *)right;

	return (a > b) - (a < b);
}

static void expect_byte(const uint8_t *block, uint8_t byte, const char *how, long round)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i] != byte)
			fail(0, "round %ld, byte %zu read %s: 0x%02x, not 0x%02x", round, i, how,
			     block[i], byte);
}

/* Both ways into a file, each synced and each checked through the other. */
static void command_fsync(const char *path, long rounds)
{
	uint8_t block[BLOCK], *map;
	long *took, start;
	int fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);

	took = calloc((size_t)rounds, sizeof(*took));
	if (!took)
		fail(ENOMEM, "%ld rounds", rounds);
	if (ftruncate(fd, BLOCK))
		fail(errno, "ftruncate %s", path);
	map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail(errno, "mmap %s", path);

	for (long round = 0; round < rounds; round++) {
		uint8_t byte = (uint8_t)(2 * round + 1);

		memset(block, byte, sizeof(block));
		write_all(fd, block, sizeof(block), 0);
		start = microseconds();
		if (fsync(fd))
			fail(errno, "fsync in round %ld", round);
		took[round] = microseconds() - start;
		expect_byte(map, byte, "through the mapping", round);

		memset(map, byte + 1, BLOCK);
		if (msync(map, BLOCK, MS_SYNC))
			fail(errno, "msync in round %ld", round);
		read_all(fd, block, sizeof(block), 0);
		expect_byte(block, (uint8_t)(byte + 1), "by read", round);
	}
	sync_file_and_directory(fd, path);
	qsort(took, (size_t)rounds, sizeof(*took), compare_longs);
	printf("mvmm-guest: %ld rounds of fsync and msync, fsync takes %ld us (median)\n", rounds,
	       took[rounds / 2]);
	free(took);
	munmap(map, BLOCK);
	close(fd);
}

static long positive(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value <= 0)
		fail(0, "'%s' is not a number above 0", text);
	return value;
}

/* Behind the file system's back: a store to each page at @start, which is a disk's memory. */
static void rewrite_memory(uint64_t start, size_t size)
{
	int fd = open_file("/dev/mem", O_RDWR);
	volatile uint64_t *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);
	long changed = 0;

	if (memory == MAP_FAILED)
		fail(errno, "mmap %zu bytes of /dev/mem at 0x%jx", size, (uintmax_t)start);
	for (size_t i = 0; i < size / sizeof(*memory); i += BLOCK / sizeof(*memory)) {
		uint64_t old = memory[i];

		memory[i] = ~old;
		changed += memory[i] != old;
	}
	if (changed)
		fail(0, "%ld of %zu pages were changed through /dev/mem", changed, size / BLOCK);
	close(fd);
}

/* By writes of whole blocks to the disk, which the driver makes stores of. */
static void rewrite_disk(const char *path, long blocks)
{
	static uint8_t old[BLOCK] __attribute__((aligned(BLOCK))),
		new[BLOCK] __attribute__((aligned(BLOCK)));
	int fd = open_file(path, O_RDWR | O_DIRECT);

	for (long n = 0; n < blocks; n++) {
		read_all(fd, old, BLOCK, n * BLOCK);
		for (size_t i = 0; i < BLOCK; i++)
			new[i] = (uint8_t)~old[i];
		write_all(fd, new, BLOCK, n * BLOCK);
		read_all(fd, new, BLOCK, n * BLOCK);
		if (memcmp(old, new, BLOCK) != 0)
			fail(0, "block %ld of %s was changed", n, path);
	}
	if (fsync(fd) == 0)
		fail(0, "fsync %s says that what was dropped is on the disk", path);
	close(fd);
}

static void command_rewrite(const char *path, const char *start, const char *size)
{
	rewrite_memory(strtoull(start, NULL, 0), strtoull(size, NULL, 0));
	rewrite_disk(path, 16);
	printf("mvmm-guest: nothing that was stored to %s at %s has changed it\n", path, start);
}

int main(int argc, char **argv)
{
	command = argc > 1 ? argv[1] : "";
	/* A line is out before anything that could take the guest down. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (argc == 3 && strcmp(command, "dax") == 0)
		command_dax(argv[2]);
	else if (argc == 4 && strcmp(command, "write") == 0)
		command_write(argv[2], argv[3]);
	else if (argc == 4 && strcmp(command, "read") == 0)
		command_read(argv[2], argv[3]);
	else if (argc == 4 && strcmp(command, "cache") == 0)
		command_cache(argv[2], positive(argv[3]));
	else if (argc == 3 && strcmp(command, "read-twice") == 0)
		command_read_twice(argv[2]);
	else if (argc == 4 && strcmp(command, "fsync") == 0)
		command_fsync(argv[2], positive(argv[3]));
	else if (argc == 5 && strcmp(command, "rewrite") == 0)
		command_rewrite(argv[2], argv[3], argv[4]);
	else
		fail(0,
		     "usage: guest-test dax FILE | write FILE TEXT | read FILE TEXT | cache FILE BLOCKS |"
		     " fsync FILE ROUNDS | read-twice FILE | rewrite DISK ADDRESS SIZE");
	return 0;
}
