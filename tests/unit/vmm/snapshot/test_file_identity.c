// SPDX-License-Identifier: Apache-2.0
/* Files that are changed in each way that is noticed. */
#include "vmm/snapshot/file_identity.h"

#include "tests/support/check.h"
#include "tests/support/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TestSuite(file_identity, .timeout = 10);

static char path[] = "/tmp/mvmm-identity-XXXXXX";
static int fd;
static struct file_identity was;

static void make(void)
{
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	check_eq(pwrite(fd, "old", 3, 0), 3);
	check_eq(file_identity_get(fd, &was), 0);
}

static void forget(void)
{
	unlink(path);
}

static const char *differs(void)
{
	struct file_identity is;

	check_eq(file_identity_get(fd, &is), 0);
	return file_identity_differs(&was, &is);
}

/* Until the file system's clock has moved on. */
static void store(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct stat before, now;

	check_eq(fstat(fd, &before), 0);
	do {
		nanosleep(&pause, NULL);
		check_eq(pwrite(fd, "new", 3, 0), 3);
		check_eq(fstat(fd, &now), 0);
	} while (now.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		 now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

Test(file_identity, unchanged, .init = make, .fini = forget)
{
	char byte;

	check_eq(pread(fd, &byte, 1, 0), 1);
	cr_assert_null(differs());
	/* By another name, too. */
	fd = open(path, O_RDONLY);
	cr_assert_null(differs());
}

Test(file_identity, stored_to, .init = make, .fini = forget)
{
	store();
	check_str(differs(), "was changed");
}

/* A program can set the time of the last store, but not that of the change. */
Test(file_identity, stored_to_and_its_time_set_back, .init = make, .fini = forget)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ (time_t)was.mtime_s, was.mtime_ns },
	};
	struct file_identity is;

	store();
	check_eq(futimens(fd, times), 0);
	check_eq(file_identity_get(fd, &is), 0);
	check_eq(is.mtime_ns, was.mtime_ns);
	check_str(differs(), "was changed, renamed or linked");
}

Test(file_identity, replaced, .init = make, .fini = forget)
{
	char copy[] = "/tmp/mvmm-identity-XXXXXX";

	fd = mkstemp(copy);
	check_eq(rename(copy, path), 0);
	check_str(differs(), "was replaced by another file");
}

Test(file_identity, each_value)
{
	const struct file_identity a = { 1, 2, 3, 4, 5, 6 };
	struct file_identity b = a;

	cr_assert_null(file_identity_differs(&a, &b));
	b.inode++;
	check_str(file_identity_differs(&a, &b), "was replaced by another file");
	b = a;
	b.size++;
	check_str(file_identity_differs(&a, &b), "was changed");
	b = a;
	b.mtime_s++;
	check_str(file_identity_differs(&a, &b), "was changed");
	b = a;
	b.mtime_ns++;
	check_str(file_identity_differs(&a, &b), "was changed");
	b = a;
	b.ctime_s++;
	check_str(file_identity_differs(&a, &b), "was changed, renamed or linked");
	b = a;
	b.ctime_ns++;
	check_str(file_identity_differs(&a, &b), "was changed, renamed or linked");
}

Test(file_identity, no_file)
{
	check_eq(file_identity_get(-1, &was), -EBADF);
}

Test(file_identity, round_trip)
{
	const struct file_identity before = { UINT64_MAX, 2, 3, 4, 5, UINT32_MAX };
	struct file_identity after;
	struct state_file state = { 0 };

	state_file_save(&state);
	file_identity_save(&before, &state.writer);
	state_file_load(&state);
	file_identity_load(&after, &state.reader);
	check_eq(state_file_result(&state), 0, "%s", state.err.text);
	check_eq(memcmp(&after, &before, sizeof(before)), 0);
	state_file_fini(&state);
}
