// SPDX-License-Identifier: Apache-2.0
/* Snapshots that are opened for a restore: sound, hostile, and replaced meanwhile. */
#include "vmm/snapshot/snapshot_files.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/refuse_call.h"
#include "vmm/base/file_lock.h"
#include "vmm/snapshot/snapshot_directory.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

TestSuite(snapshot_files, .timeout = 60);

#define WHAT "--restore a"

static char directory[32];
static struct snapshot_files files;
static struct error err;
static unsigned before;
static int root;

static void save(void)
{
	static const char magic[16] = "mvmm snapshot";
	struct snapshot_directory s;
	int state, memory;

	check_eq(snapshot_directory_begin(&s, root, "a", "vm-save", &err), 0, "%s", err.text);
	state = snapshot_directory_file(&s, "state", &err);
	memory = snapshot_directory_file(&s, "memory", &err);
	cr_assert(state >= 0 && memory >= 0);
	check_eq(write(state, magic, sizeof(magic)), sizeof(magic));
	check_eq(write(memory, "m", 1), 1);
	check_eq(snapshot_directory_commit(&s, &err), 0, "%s", err.text);
}

static void setup(void)
{
	fixture_directory(directory);
	check_eq(chdir(directory), 0);
	root = open(".", O_RDONLY | O_DIRECTORY);
	save();
	before = open_descriptors();
}

static void teardown(void)
{
	check_eq(open_descriptors(), before);
	check_eq(chdir("/"), 0);
	fixture_remove(directory);
}

static char first_byte(int fd)
{
	char byte = 0;

	check_eq(pread(fd, &byte, 1, 0), 1);
	check_eq(write(fd, &byte, 1), -1, "is open for reading only");
	return byte;
}

Test(snapshot_files, sound, .init = setup, .fini = teardown)
{
	struct file_lock_holder holder;
	int lock, writer;

	check_eq(symlink("a", "link"), 0);
	check_eq(snapshot_files_open(&files, "link", WHAT, &err), 0, "%s", err.text);
	check_eq(first_byte(files.state_fd), 'm');
	check_eq(first_byte(files.memory_fd), 'm');
	/* Nobody writes to it until it is closed. */
	writer = open("a/memory", O_RDWR);
	check_eq(file_lock_take(writer, true, &holder), -EBUSY);
	snapshot_files_fini(&files);
	snapshot_files_fini(&files);
	lock = file_lock_take(writer, true, &holder);
	cr_assert(lock >= 0);
	close(lock);
	close(writer);
}

/* A VM goes on with the snapshot that it was restored from. */
Test(snapshot_files, replaced_later, .init = setup, .fini = teardown)
{
	check_eq(snapshot_files_open(&files, "a", WHAT, &err), 0);
	save();
	check_eq(first_byte(files.memory_fd), 'm');
	snapshot_files_fini(&files);
}

static void check_refused(int code, const char *text)
{
	check_eq(snapshot_files_open(&files, "a", WHAT, &err), code, "%s", text);
	check_str(err.text, text);
	check_eq(files.dir_fd, 0);
}

/*
 * bad input: Snapshots: --restore of a directory that is missing, or in which the file memory or
 * state is missing or is a link, a FIFO or a directory -> refused, and nothing waits
 */
Test(snapshot_files, hostile, .init = setup, .fini = teardown)
{
	static const char memory[] = "--restore a: its file memory is not a regular file; take "
				     "another copy of the snapshot";

	check_eq(unlink("a/memory"), 0);
	check_refused(-ENOENT, "--restore a: has no file memory; name the directory of a snapshot");
	check_eq(symlink("state", "a/memory"), 0);
	check_refused(-EINVAL, memory);
	check_eq(unlink("a/memory"), 0);
	check_eq(mkfifo("a/memory", 0600), 0);
	check_refused(-EINVAL, memory);
	check_eq(unlink("a/memory"), 0);
	check_eq(mkdir("a/memory", 0700), 0);
	check_refused(-EINVAL, memory);
	check_eq(unlink("a/state"), 0);
	check_refused(-ENOENT, "--restore a: has no file state; name the directory of a snapshot");
	check_eq(rename("a", "b"), 0);
	check_refused(-ENOENT, "--restore a: cannot be opened: No such file or directory; name the "
			       "directory of a snapshot");
	close(open("a", O_CREAT | O_WRONLY, 0600));
	check_refused(-ENOTDIR,
		      "--restore a: cannot be opened: Not a directory; name the directory "
		      "of a snapshot");
}

/*
 * bad input: Snapshots: the memory file is one that another process writes to, or is on a file
 * system without locks -> refused
 */
Test(snapshot_files, locks, .init = setup, .fini = teardown)
{
	struct file_lock_holder holder;
	int writer = open("a/memory", O_RDWR), lock = file_lock_take(writer, true, &holder);

	cr_assert(lock >= 0);
	check_refused(-EBUSY,
		      "--restore a: another process writes to its memory; end that process, "
		      "or take a copy");
	check_eq(snapshot_files_lock(writer, true, "fd:5", &err), -EBUSY);
	check_contains(err.text, "fd:5: ");
	close(lock);
	check_eq(snapshot_files_lock(writer, true, "fd:5", &err), 0);
	close(writer);
	refuse_command(SYS_fcntl, F_OFD_SETLK, ENOLCK);
	check_refused(-ENOLCK, "--restore a: its memory cannot be locked: No locks available; copy "
			       "the snapshot to a file system that has locks");
}

/* Saves replace it all the time; it can be opened at any. */
Test(snapshot_files, replaced_meanwhile, .init = setup, .fini = teardown)
{
	struct timespec start, now;
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			save();
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		check_eq(snapshot_files_open(&files, "a", WHAT, &err), 0, "%s", err.text);
		snapshot_files_fini(&files);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 2);
	kill(child, SIGKILL);
	check_eq(waitpid(child, NULL, 0), child);
}
