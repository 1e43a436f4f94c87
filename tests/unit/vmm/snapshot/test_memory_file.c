// SPDX-License-Identifier: Apache-2.0
/* Guest memory in a sparse file and back. Start reading at anonymous_memory. */
#include "vmm/snapshot/memory_file.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/layout.h"
#include "vmm/snapshot/own_pages.h"
#include "vmm/snapshot/private_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(memory_file, .timeout = 60);

#define PAGE ((uint64_t)LAYOUT_PAGE)
#define PAGES 700
#define SIZE (PAGES * PAGE)
#define WHAT "vm-save x"

static struct memory_table table;
static struct memory_source sources[2];
static struct error err;
static int pagemap, file;
static uint64_t written;

static int temporary(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	cr_assert(fd >= 0);
	return fd;
}

static uint8_t *map_memory(int flags, int fd)
{
	uint8_t *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	cr_assert(host != MAP_FAILED);
	madvise(host, SIZE, MADV_NOHUGEPAGE);
	return host;
}

/* One part of anonymous memory that nobody has touched. */
static void setup(void)
{
	check_eq(guarded_copy_init(), 0);
	check_eq(memory_table_add(&table, gpa(0), SIZE), 0);
	sources[0] = (struct memory_source){ .host = map_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1),
					     .base_fd = -1 };
	pagemap = private_pages_open();
	file = temporary();
}

static uint8_t *page(unsigned number)
{
	return (uint8_t *)(uintptr_t)sources[0].host + number * PAGE;
}

static void fill(unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		memset(page(i), (int)(i % 255 + 1), PAGE);
}

static void save(void)
{
	written = 12345;
	check_eq(memory_file_write(file, &table, sources, pagemap, WHAT, &written, &err), 0, "%s",
		 err.text);
	check_eq(memory_file_check(file, &table, WHAT, &err), 0, "%s", err.text);
}

/* The pages of the file that are no holes. */
static unsigned data_pages(void)
{
	struct stat st;

	check_eq(fstat(file, &st), 0);
	return (unsigned)((uint64_t)st.st_blocks * 512 / PAGE);
}

/* What is in the file is what is in memory. */
static void check_same(void)
{
	void *back;

	for (uint32_t i = 0; i < table.count; i++) {
		check_eq(memory_file_map(file, &table.parts[i], NULL, WHAT, &back, &err), 0);
		check_eq(memcmp(back, sources[i].host, table.parts[i].size), 0, "part %u", i);
		munmap(back, table.parts[i].size);
	}
}

static unsigned touched(void)
{
	struct private_pages pages;
	struct page_run run = { 0 };
	unsigned n = 0;

	private_pages_init(&pages, pagemap, sources[0].host, SIZE);
	do {
		check_eq(private_pages_next(&pages, run.end, &run), 0);
		n += (unsigned)((run.end - run.start) / PAGE);
	} while (run.end < SIZE);
	return n;
}

/* Of /proc/self/io: how often this process has called write(2) and its kind. */
static unsigned long writes(void)
{
	unsigned long n = 0;
	char line[64];
	FILE *f = fopen("/proc/self/io", "r");

	while (fgets(line, sizeof(line), f))
		sscanf(line, "syscw: %lu", &n);
	fclose(f);
	return n;
}

Test(memory_file, anonymous_memory, .init = setup)
{
	unsigned before = open_descriptors();
	unsigned long calls;

	fill(0, 1);
	fill(10, 300);
	memset(page(100), 0, 2 * PAGE);
	*page(500) = 0;
	page(600)[PAGE - 1] = 1;
	fill(PAGES - 1, 1);
	check_eq(touched(), 304);
	calls = writes();
	save();
	check_eq(writes() - calls, 5, "a call for each run");
	check_eq(written, 301 * PAGE);
	check_eq(data_pages(), 301);
	check_eq(touched(), 304, "the save has touched nothing");
	check_same();
	check_eq(open_descriptors(), before);
}

Test(memory_file, untouched_memory, .init = setup)
{
	save();
	check_eq(written, 0);
	check_eq(data_pages(), 0);
	check_eq(touched(), 0);
	check_eq(lseek(file, 0, SEEK_END), SIZE);
}

/* What the file had before is gone. */
Test(memory_file, over_another_one, .init = setup)
{
	static const char much[2 * SIZE] = { 1 };

	check_eq(pwrite(file, much, sizeof(much), 0), sizeof(much));
	fill(5, 1);
	save();
	check_eq(data_pages(), 1);
	check_same();
}

Test(memory_file, two_parts, .init = setup)
{
	check_eq(memory_table_add(&table, gpa(LAYOUT_ABOVE_4G), 2 * PAGE), 0);
	sources[1] = (struct memory_source){ .host = map_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1),
					     .base_fd = -1 };
	memset((void *)(uintptr_t)sources[1].host, 7, 3 * PAGE);
	fill(3, 2);
	save();
	check_eq(written, 4 * PAGE);
	check_eq(data_pages(), 4);
	check_same();
}

/* A VM that was restored is saved again, twenty times. Some pages become zero, some were. */
Test(memory_file, generations, .init = setup)
{
	fill(0, 100);
	fill(300, 50);
	save();
	for (unsigned i = 0; i < 20; i++) {
		int base = file;
		void *host;

		check_eq(memory_file_map(base, &table.parts[0], NULL, WHAT, &host, &err), 0);
		madvise(host, SIZE, MADV_NOHUGEPAGE);
		sources[0] = (struct memory_source){ .host = host, .base_fd = base };
		fill(0, 1);
		fill(90 + i, 30);
		memset(page(310 + i), 0, PAGE);
		fill(500 + 2 * i, 1);
		check_eq(touched(), 33);
		file = temporary();
		save();
		check_eq(touched(), 33);
		check_eq(data_pages(), 100 + 50 + 21 + i - (i + 1) + i, "generation %u", i);
		check_eq(written, data_pages() * PAGE, "each page once");
		check_same();
		munmap(host, SIZE);
		close(base);
	}
}

/* RAM in a memfd, of which the process maps a part; it has pages of zeroes as well. */
Test(memory_file, shared_memory, .init = setup)
{
	int memfd = memfd_create("ram", 0);
	struct stat st;

	check_eq(ftruncate(memfd, (off_t)(2 * SIZE)), 0);
	sources[0].host =
		mmap(NULL, SIZE + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, SIZE / 2);
	sources[0].base_fd = memfd;
	sources[0].base_offset = SIZE / 2;
	check_eq(pwrite(memfd, "x", 1, 0), 1);
	check_eq(pwrite(memfd, "x", 1, SIZE / 2 + SIZE), 1);
	fill(0, 1);
	fill(200, 10);
	memset(page(205), 0, PAGE);
	/* Behind it the memfd goes on. */
	fill(PAGES - 1, 1);
	save();
	check_eq(written, 11 * PAGE);
	check_eq(fstat(memfd, &st), 0);
	check_eq((uint64_t)st.st_blocks * 512, 14 * PAGE, "the save has touched nothing");
	check_same();
}

/* Of a disk, whose file has data everywhere. A page of zeroes is a hole. */
Test(memory_file, only_some_pages, .init = setup)
{
	static struct own_pages only = {
		.count = 2,
		.runs = { { 3 * PAGE, 5 * PAGE }, { SIZE - PAGE, SIZE } },
	};
	int base = temporary();
	uint8_t byte;

	fill(0, PAGES);
	save();
	check_eq(dup2(file, base), base);
	sources[0] = (struct memory_source){ .host = map_memory(MAP_PRIVATE, base),
					     .base_fd = base,
					     .base_size = SIZE,
					     .only = &only };
	memset(page(3), 0, PAGE);
	fill(10, 10);
	file = temporary();
	save();
	check_eq(written, 2 * PAGE);
	check_eq(data_pages(), 2);
	check_eq(pread(file, &byte, 1, 4 * PAGE), 1);
	check_eq(byte, 5);
	check_eq(pread(file, &byte, 1, SIZE - 1), 1);
	check_eq(byte, (PAGES - 1) % 255 + 1);
	check_eq(ftruncate(base, SIZE - 1), 0);
	check_eq(memory_file_write(file, &table, sources, pagemap, WHAT, &written, &err), -EIO);
	check_contains(err.text,
		       "the file that backs the memory of the guest at 0x0 was truncated");
}

/* Pages of a fork, which the kernel takes for pages of a file: the base has something else there,
 * or nothing. */
Test(memory_file, pages_above_the_base, .init = setup)
{
	static struct own_pages mapped = {
		.count = 2,
		.runs = { { 3 * PAGE, 5 * PAGE }, { 20 * PAGE, 21 * PAGE } },
	};
	int base = temporary(), above = temporary();
	uint8_t byte;

	fill(0, 10);
	save();
	check_eq(dup2(file, base), base);
	check_eq(ftruncate(above, SIZE), 0);
	check_eq(pwrite(above, "a", 1, 4 * PAGE), 1);
	check_eq(pwrite(above, "b", 1, 20 * PAGE), 1);
	sources[0] = (struct memory_source){ .host = map_memory(MAP_PRIVATE, base),
					     .base_fd = base,
					     .base_size = SIZE,
					     .mapped = &mapped };
	check_eq(own_pages_map(&mapped, above, &table.parts[0], page(0), WHAT, &err), 0);
	file = temporary();
	save();
	check_same();
	check_eq(pread(file, &byte, 1, 20 * PAGE), 1);
	check_eq(byte, 'b');
	check_eq(pread(file, &byte, 1, 3 * PAGE), 1);
	check_eq(byte, 0);
}

/*
 * bad input: Backing file: a file below guest memory is truncated, and then that memory is saved ->
 * the save fails, the error names the file, and there is no SIGBUS
 */
Test(memory_file, truncated_base, .init = setup)
{
	int base = temporary();

	fill(0, 20);
	save();
	check_eq(dup2(file, base), base);
	sources[0] =
		(struct memory_source){ .host = map_memory(MAP_PRIVATE, base), .base_fd = base };
	*page(15) = 1;
	/* Its data ends in the middle of a page; that behind it is gone. */
	check_eq(ftruncate(base, 10 * PAGE + 1), 0);
	file = temporary();
	save();
	check_eq(written, 11 * PAGE);
	/* The list of pages is of a moment ago: it has one that is gone. */
	close(pagemap);
	pagemap = memfd_create("pagemap", 0);
	for (unsigned i = 0; i < PAGES; i++) {
		const uint64_t present = 1ULL << 63;

		check_eq(pwrite(pagemap, &present, 8,
				(off_t)(((uintptr_t)sources[0].host / PAGE + i) * 8)),
			 8);
	}
	check_eq(memory_file_write(file, &table, sources, pagemap, WHAT, &written, &err), -EIO);
	check_str(err.text, "vm-save x: the host cannot supply the memory of the guest at 0xb000, "
			    "whose file was truncated or cannot be read");
}

/*
 * bad input: Host resources: while memory is saved the size of files is limited, or the list of
 * pages cannot be read -> the save fails, and the error names the cause
 */
Test(memory_file, host_errors, .init = setup)
{
	const struct rlimit limit = { SIZE / 2, SIZE / 2 };
	int null = open("/dev/null", O_RDWR);

	fill(0, 20);
	written = 1;
	check_eq(memory_file_write(file, &table, sources, null, WHAT, &written, &err), -EIO);
	check_contains(err.text, "vm-save x: the list of pages, /proc/self/pagemap: ");
	check_eq(memory_file_write(null, &table, sources, pagemap, WHAT, &written, &err), -EINVAL);
	check_contains(err.text, "vm-save x: cannot be made 2867200 bytes large: ");
	sources[0].base_fd = -1;
	signal(SIGXFSZ, SIG_IGN);
	check_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_eq(memory_file_write(file, &table, sources, pagemap, WHAT, &written, &err), -EFBIG);
	check_eq(written, 1);
	sources[0].base_fd = open("/", O_RDONLY | O_DIRECTORY);
	close(sources[0].base_fd);
	table.file_size = 4096;
	check_eq(memory_file_write(file, &table, sources, pagemap, WHAT, &written, &err), -EBADF);
	check_contains(err.text, "vm-save x: the file that backs guest memory: Bad file");
}

/*
 * bad input: Snapshots: a memory file that is shorter or longer than the saved one, or is not a
 * regular file -> refused
 */
Test(memory_file, wrong_files, .init = setup)
{
	int ends[2];

	save();
	check_eq(ftruncate(file, SIZE - 1), 0);
	check_eq(memory_file_check(file, &table, "--restore x", &err), -EINVAL);
	check_str(err.text, "--restore x: has 2867199 bytes, and 2867200 were saved: it is not the "
			    "memory of this state, or was truncated; take another copy, or save "
			    "the VM again");
	check_eq(ftruncate(file, SIZE + 1), 0);
	check_eq(memory_file_check(file, &table, "--restore x", &err), -EINVAL);
	check_eq(pipe(ends), 0);
	check_eq(memory_file_check(ends[0], &table, "--restore x", &err), -EINVAL);
	check_str(err.text, "--restore x: is not a regular file; name the file memory of a "
			    "snapshot");
	close(ends[0]);
	check_eq(memory_file_check(ends[0], &table, "--restore x", &err), -EBADF);
}

/* Over reserved addresses, of a file that is open for reading only. */
Test(memory_file, mapping, .init = setup)
{
	char path[64];
	uint8_t *reserved = map_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint8_t byte;
	void *host;
	int fd;

	fill(0, 2);
	save();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY);
	check_eq(memory_file_map(fd, &table.parts[0], reserved, WHAT, &host, &err), 0);
	cr_assert(host == reserved);
	check_eq(reserved[PAGE], 2);
	reserved[PAGE] = 99;
	check_eq(pread(file, &byte, 1, PAGE), 1);
	check_eq(byte, 2, "a store is the process's own");
	check_eq(memory_file_map(fd, &table.parts[0], reserved + 1, WHAT, &host, &err), -EINVAL);
	check_str(err.text, "vm-save x: cannot map 2 MiB of guest memory: Invalid argument; raise "
			    "the limit on address space (ulimit -v)");
	cr_assert(host == reserved);
}
