// SPDX-License-Identifier: Apache-2.0
/* prealloc=on. A file system without room needs one: tests/e2e/host. */
#include "vmm/machine/machine_allocate.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/refuse_call.h"

#include <errno.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(machine_allocate, .timeout = 10);

#define MIB (1ULL << 20)

static struct machine machine;
static struct error err;
static char path[32];

static void setup(void)
{
	struct pmem_backing_options opt = { .path = path, .share = true };

	driver_temp_file("/dev/shm", 3 * MIB, path);
	check_eq(pmem_backing_open(&machine.pmem[0].backing, &opt, &err), 0, "%s", err.text);
	strcpy(machine.pmem[0].id, "d0");
	machine.pmem[0].prealloc = true;
	machine.n_pmem = 1;
}

static uint64_t allocated(void)
{
	struct stat st;

	check_eq(fstat(machine.pmem[0].backing.fd, &st), 0);
	check_eq(st.st_size, 3 * MIB);
	return (uint64_t)st.st_blocks * 512;
}

Test(machine_allocate, all_of_the_file, .init = setup)
{
	driver_log_capture();
	machine.pmem[0].prealloc = false;
	check_eq(machine_allocate(&machine, 0, &err), 0);
	check_eq(allocated(), 0, "nobody asked for it");
	machine.pmem[0].prealloc = true;
	check_eq(machine_allocate(&machine, 0, &err), 0, "%s", err.text);
	check_eq(allocated(), 3 * MIB);
	check_eq(machine_allocate(&machine, 0, &err), 0, "%s", err.text);
	check_str(driver_log_text(), "");
}

/*
 * bad input: Backing file: prealloc=on on a file system without fallocate -> status 35, and the
 * error names a way out
 */
Test(machine_allocate, file_system_that_cannot, .init = setup)
{
	refuse_call(SYS_fallocate, EOPNOTSUPP);
	check_eq(machine_allocate(&machine, 0, &err), -EOPNOTSUPP);
	check_contains(err.text, "d0: prealloc=on: the file system of /proc/");
	check_contains(err.text, "cannot allocate in advance; fill the file");
}

/*
 * bad input: Backing file: the file system or the quota fills up while prealloc=on allocates ->
 * status 35
 */
Test(machine_allocate, room_that_goes_meanwhile, .init = setup)
{
	refuse_call(SYS_fallocate, EDQUOT);
	check_eq(machine_allocate(&machine, 0, &err), -ENOSPC);
	check_contains(err.text, "needs 3145728 more bytes, but its file system has only ");
}

Test(machine_allocate, progress_on_a_terminal, .init = setup)
{
	char text[256] = "";
	int terminal, stderr_fd;

	check_eq(openpty(&terminal, &stderr_fd, NULL, NULL, NULL), 0);
	dup2(stderr_fd, STDERR_FILENO);
	check_eq(machine_allocate(&machine, 1000000000, &err), 0, "%s", err.text);
	log_set_format(LOG_FORMAT_JSON);
	check_eq(machine_allocate(&machine, 0, &err), 0, "%s", err.text);
	log_set_format(LOG_FORMAT_TEXT);
	log_set_name("web");
	check_eq(machine_allocate(&machine, 0, &err), 0, "%s", err.text);
	cr_assert(read(terminal, text, sizeof(text) - 1) > 0);
	check_contains(text, "\rmvmm: web: d0: allocating /proc/");
	check_contains(text, ": 100 %");
	check_eq(strstr(text + 2, "mvmm:") != NULL, 0, "quick work and JSON show nothing");
}
