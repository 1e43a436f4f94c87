// SPDX-License-Identifier: Apache-2.0
/* Causes that a file shows. A full file system needs one: tests/e2e/host. */
#include "devices/virtio/pmem_fault.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(pmem_fault, .timeout = 10);

#define SIZE 0x10000ULL

static char path[32];
static struct pmem_backing backing;

static void setup(void)
{
	struct pmem_backing_options opt = { .path = path, .share = true };
	struct error err = { 0 };

	driver_temp_file("/dev/shm", SIZE, path);
	check_eq(pmem_backing_open(&backing, &opt, &err), 0, "%s", err.text);
}

Test(pmem_fault, nothing_is_wrong, .init = setup)
{
	struct stat st;

	check_eq(pmem_fault_at(&backing, 0), 0);
	check_eq(pmem_fault_at(&backing, SIZE - 1), 0);
	check_eq(pmem_fault_anywhere(&backing), 0);
	check_str(pmem_fault_text(0), "the host does not say why");
	/* To look for room takes a page of it at most, and never makes the file longer. */
	check_eq(fstat(backing.fd, &st), 0);
	check_eq(st.st_size, SIZE);
	cr_assert(st.st_blocks <= 3 * 8, "%ld", (long)st.st_blocks);
}

Test(pmem_fault, truncated, .init = setup)
{
	check_eq(ftruncate(backing.fd, 0x2001), 0);
	check_eq(pmem_fault_at(&backing, 0x2fff), 0, "its last page is there");
	check_eq(pmem_fault_at(&backing, 0x3000), ENODATA);
	check_eq(pmem_fault_anywhere(&backing), ENODATA);
	check_str(pmem_fault_text(ENODATA), "the file was truncated");
}

/* As a bad disk does it: what cannot be read says why. */
Test(pmem_fault, unreadable, .init = setup)
{
	int directory = open("/", O_RDONLY | O_DIRECTORY);

	check_eq(dup2(directory, backing.fd), backing.fd);
	check_eq(pmem_fault_at(&backing, 0), EISDIR);
	check_str(pmem_fault_text(EIO), "Input/output error");
	check_eq(pmem_fault_anywhere(&backing), 0, "nobody reads all of it to find out");
}

/* No store of a private or read-only device needs room in the file. */
Test(pmem_fault, needs_no_room)
{
	static const struct {
		bool readonly, share;
	} cases[] = { { false, false }, { true, true } };
	struct error err = { 0 };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pmem_backing_options opt = { .path = path,
						    .readonly = cases[i].readonly,
						    .share = cases[i].share };

		driver_temp_file("/dev/shm", SIZE, path);
		check_eq(pmem_backing_open(&backing, &opt, &err), 0, "%s", err.text);
		check_eq(pmem_fault_at(&backing, 0), 0);
		check_eq(pmem_fault_anywhere(&backing), 0);
		check_eq(fstat(backing.fd, &st), 0);
		check_eq(st.st_blocks, 0);
		pmem_backing_close(&backing);
	}
}
