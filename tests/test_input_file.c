// SPDX-License-Identifier: Apache-2.0
/* Files that are missing, special, empty, or shorter than they were. */
#include "boot/input_file.h"
#include "tests/boot_fixture.h"

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

/* bad input: Images: kernel or initrd that is missing, empty, a directory or a device -> refused */
Test(input_file, names_what_it_cannot_open)
{
	struct fixture_file empty = fixture_file("", 0);

	assert_refused("/nonexistent/kernel", -ENOENT, "No such file");
	assert_refused("/tmp", -EINVAL, "regular");
	assert_refused("/dev/zero", -EINVAL, "regular");
	assert_refused(empty.path, -EINVAL, "empty");
}

/* bad input: Images: kernel or initrd that is a FIFO -> refused without waiting */
Test(input_file, refuses_a_fifo_without_waiting, .timeout = 5)
{
	char dir[32], path[48];

	fixture_directory(dir);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	assert_refused(path, -EINVAL, "regular");
	fixture_remove(dir);
}

/* bad input: Images: kernel or initrd that becomes shorter while it is read -> refused */
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
	cr_assert_eq(file.fd, -1);
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
