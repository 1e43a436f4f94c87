// SPDX-License-Identifier: Apache-2.0
/* Files that are missing, special, empty, or shorter than they were. */
#include "boot/input_file.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>
#include <sys/stat.h>

static void assert_refused(const char *path, int code, const char *word)
{
	struct input_file file;
	struct error err;

	cr_assert_eq(input_file_open(&file, "--kernel", path, &err), code);
	cr_assert_not_null(strstr(err.text, path), "%s", err.text);
	cr_assert_not_null(strstr(err.text, "--kernel"), "%s", err.text);
	cr_assert_not_null(strstr(err.text, word), "%s", err.text);
}

/*
 * bad input: Images: a kernel or initrd that is missing, empty, a directory or a device -> refused
 */
Test(input_file, names_what_it_cannot_open)
{
	struct fixture_file empty = fixture_file("", 0);

	assert_refused("/nonexistent/kernel", -ENOENT, "No such file");
	assert_refused("/tmp", -EINVAL, "regular");
	assert_refused("/dev/zero", -EINVAL, "regular");
	assert_refused(empty.path, -EINVAL, "empty");
}

/* bad input: Images: a kernel or initrd that is a FIFO -> refused without waiting */
Test(input_file, refuses_a_fifo_without_waiting, .timeout = 5)
{
	char dir[32], path[48];

	fixture_directory(dir);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	assert_refused(path, -EINVAL, "regular");
	fixture_remove(dir);
}

/* bad input: Images: a kernel or initrd that becomes shorter while it is read -> refused */
Test(input_file, reads_only_what_is_there)
{
	struct fixture_file f = fixture_file("0123456789", 10);
	struct input_file file;
	struct error err;
	char buf[8];

	cr_assert_eq(input_file_open(&file, "--initrd", f.path, &err), 0);
	cr_assert_eq(file.size, 10);
	cr_assert_eq(input_file_read(&file, 2, buf, 8, &err), 0);
	cr_assert_eq(memcmp(buf, "23456789", 8), 0);
	cr_assert_eq(input_file_read(&file, 3, buf, 8, &err), -EINVAL);
	cr_assert_not_null(strstr(err.text, "byte 10"), "%s", err.text);
	/* Cut off after it was opened. */
	cr_assert_eq(ftruncate(f.fd, 4), 0);
	cr_assert_eq(input_file_read(&file, 2, buf, 8, &err), -EINVAL);
	input_file_close(&file);
	cr_assert_eq(file.size, 0);
	input_file_close(&file);
}

/* Where a descriptor stands that was passed to us does not matter, and it is no duplicate. */
Test(input_file, takes_a_descriptor)
{
	struct fixture_file f = fixture_file("0123456789", 10);
	struct input_file file;
	char buf[4], where[16];

	cr_assert_eq(lseek(f.fd, 7, SEEK_SET), 7);
	snprintf(where, sizeof(where), "fd:%d", f.fd);
	file = fixture_open("--initrd", where);
	cr_assert_eq(file.size, 10);
	cr_assert_eq(input_file_read(&file, 0, buf, 4, &(struct error){ 0 }), 0);
	cr_assert_eq(memcmp(buf, "0123", 4), 0);
	cr_assert_eq(lseek(f.fd, 0, SEEK_CUR), 7);
	input_file_close(&file);
	cr_assert_eq(fcntl(f.fd, F_GETFD), -1);
}

/* bad input: Launcher: fd:N that is a pipe, for a kernel, an initrd or a disk -> refused */
Test(input_file, takes_no_pipe)
{
	char where[16];
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	snprintf(where, sizeof(where), "fd:%d", ends[0]);
	assert_refused(where, -EINVAL, "is not a regular file");
	cr_assert_eq(fcntl(ends[0], F_GETFD), -1);
}

Test(input_file, loads_only_into_ram)
{
	struct fixture_file f = fixture_file("0123456789", 10);
	struct guest_memory mem = fixture_ram(MIB);
	struct input_file file;
	struct error err;
	char buf[4];

	cr_assert_eq(input_file_open(&file, "--initrd", f.path, &err), 0);
	cr_assert_eq(input_file_load(&file, 4, 4, &mem, gpa(MIB - 4), &err), 0);
	cr_assert_eq(guest_memory_read(&mem, gpa(MIB - 4), buf, 4), 0);
	cr_assert_eq(memcmp(buf, "4567", 4), 0);
	cr_assert_eq(input_file_load(&file, 4, 4, &mem, gpa(MIB - 3), &err), -E2BIG);
	input_file_close(&file);
}

/* Whether [@from, @to) is just what huge pages were asked for, as the kernel sees it. */
static bool wants_huge_pages(uintptr_t from, uintptr_t to)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long start = 0, end = 0, at, stop;
	bool found = false;
	char line[512];

	cr_assert_not_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &at, &stop) == 2) {
			start = at;
			end = stop;
		} else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg")) {
			found |= start == from && end == to;
			cr_assert(start == from && end == to, "%lx-%lx", start, end);
		}
	}
	fclose(smaps);
	return found;
}

Test(input_file, asks_for_huge_pages_that_it_fills)
{
	static uint8_t content[5 * MIB];
	struct fixture_file f = fixture_file(content, sizeof(content));
	struct guest_memory mem = fixture_ram(12 * MIB);
	uintptr_t host = (uintptr_t)guest_memory_ram(&mem, gpa(0), 1);
	uint64_t aligned = -host & (2 * MIB - 1);
	struct input_file file;
	struct error err;

	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	/* Nothing that is smaller, or that does not fill one, on either side of a boundary. */
	cr_assert_eq(input_file_load(&file, 0, MIB, &mem, gpa(aligned), &err), 0);
	cr_assert_eq(input_file_load(&file, 0, 3 * MIB, &mem, gpa(aligned + MIB / 2), &err), 0);
	cr_assert_not(wants_huge_pages(0, 0));
	cr_assert_eq(input_file_load(&file, 0, 5 * MIB, &mem, gpa(aligned + MIB), &err), 0);
	cr_assert(wants_huge_pages(host + aligned + 2 * MIB, host + aligned + 6 * MIB));
	input_file_close(&file);
}
