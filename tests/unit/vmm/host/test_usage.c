// SPDX-License-Identifier: Apache-2.0
/* CPU time and memory of the process. */
#include "vmm/host/usage.h"

#include "tests/support/check.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(usage, .timeout = 20);

#define MUCH (64u << 20)

static void touch(void)
{
	char *memory = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(memory != MAP_FAILED);
	memset(memory, 1, MUCH);
	munmap(memory, MUCH);
}

Test(usage, grows_and_does_not_shrink)
{
	struct usage before, after, last;
	int fd = usage_open();

	cr_assert(fd >= 0);
	usage_read(fd, &before);
	cr_assert(before.peak_memory > 0);
	do {
		touch();
		usage_read(fd, &after);
	} while (after.user_ns == before.user_ns || after.system_ns == before.system_ns);
	cr_assert(after.user_ns > before.user_ns && after.system_ns > before.system_ns);
	cr_assert(after.peak_memory >= MUCH && after.peak_memory < before.peak_memory + 2 * MUCH);
	usage_read(fd, &last);
	cr_assert(last.peak_memory >= after.peak_memory, "the peak stays");
	close(fd);
}

/*
 * bad input: Host resources: there is no /proc -> the peak of memory is unknown, and the rest of
 * the usage is reported
 */
Test(usage, without_proc)
{
	struct usage usage = { .peak_memory = 1 };

	usage_read(-ENOENT, &usage);
	check_eq(usage.peak_memory, 0);
	cr_assert(usage.user_ns + usage.system_ns > 0);
}
