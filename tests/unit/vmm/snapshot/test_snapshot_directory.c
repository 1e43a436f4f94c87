// SPDX-License-Identifier: Apache-2.0
/* Saves that are complete, that fail and that are killed. Start reading at check_snapshot. */
#include "vmm/snapshot/snapshot_directory.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/refuse_call.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

TestSuite(snapshot_directory, .timeout = 120);

static char directory[32];
static struct snapshot_directory save;
static struct error err;
static unsigned before;
static int root;

static void setup(void)
{
	fixture_directory(directory);
	check_eq(chdir(directory), 0);
	check_eq(mkdir("d", 0700), 0);
	root = open(".", O_RDONLY | O_DIRECTORY);
	before = open_descriptors();
}

static void teardown(void)
{
	check_eq(open_descriptors(), before);
	check_eq(chdir("/"), 0);
	fixture_remove(directory);
}

/* Each file of a snapshot says which save it is of. */
struct contents {
	char magic[16];
	uint32_t number;
	char rest[3 * 4096 - 20];
};

static int write_number(const char *name, uint32_t number)
{
	const struct contents contents = { .magic = "mvmm snapshot", .number = number };
	int fd = snapshot_directory_file(&save, name, &err);

	if (fd < 0)
		return fd;
	return write(fd, &contents, sizeof(contents)) == sizeof(contents) ? 0 : -EIO;
}

static int begin_save(const char *path)
{
	return snapshot_directory_begin(&save, root, path, "vm-save", &err);
}

static int save_number(const char *path, uint32_t number)
{
	int ret = begin_save(path);

	if (ret < 0)
		return ret;
	if (write_number("memory", number) < 0 || write_number("state", number) < 0) {
		snapshot_directory_fini(&save);
		return -EIO;
	}
	return snapshot_directory_commit(&save, &err);
}

static uint32_t number_in(int dir, const char *name)
{
	struct contents contents = { .number = 0 };
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n;

	cr_assert(fd >= 0, "%s: %s", name, strerror(errno));
	n = read(fd, &contents, sizeof(contents));
	check_eq(n, sizeof(contents), "%s", name);
	close(fd);
	return contents.number;
}

/* A whole snapshot is at @path, and which. */
static uint32_t number_at(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	uint32_t number;

	cr_assert(dir >= 0, "%s: %s", path, strerror(errno));
	number = number_in(dir, "state");
	check_eq(number_in(dir, "memory"), number);
	close(dir);
	return number;
}

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void check_snapshot(const char *path, uint32_t number)
{
	check_eq(number_at(path), number);
	check_eq(entries(path), 2);
}

Test(snapshot_directory, new_one_and_its_successors, .init = setup, .fini = teardown)
{
	struct stat st;

	check_eq(save_number("a", 1), 0, "%s", err.text);
	check_snapshot("a", 1);
	check_eq(stat("a", &st), 0);
	check_eq(st.st_mode, S_IFDIR | 0700);
	check_eq(stat("a/memory", &st), 0);
	check_eq(st.st_mode, S_IFREG | 0600);
	for (uint32_t i = 2; i < 6; i++) {
		check_eq(save_number("a", i), 0, "%s", err.text);
		check_snapshot("a", i);
	}
	check_eq(save_number("d/b", 9), 0);
	check_snapshot("d/b", 9);
	check_eq(entries("."), 2);
	check_eq(entries("d"), 1);
}

/* What is not committed leaves nothing, and does not touch what is there. */
Test(snapshot_directory, given_up, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	check_eq(begin_save("a"), 0);
	check_eq(entries("."), 3);
	check_eq(write_number("memory", 2), 0);
	check_eq(write_number("memory", 2), -EEXIST);
	check_str(err.text, "vm-save: cannot make the file memory of a: File exists");
	snapshot_directory_fini(&save);
	snapshot_directory_fini(&save);
	check_snapshot("a", 1);
	check_eq(entries("."), 2);
	check_eq(begin_save("new"), 0);
	snapshot_directory_fini(&save);
	check_eq(entries("."), 2);
}

static void check_taken(const char *path, const char *text)
{
	check_eq(begin_save(path), -EEXIST, "%s", path);
	check_str(err.text, text);
	check_eq(entries("."), 6);
}

/*
 * bad input: Snapshots: vm-save to a path where there is a file, a link, an empty directory or one
 * that is not a snapshot, or that is not below --snapshots -> refused, and what is there stays
 */
Test(snapshot_directory, what_is_no_snapshot_stays, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	check_eq(save_number("b", 1), 0);
	close(open("b/letter", O_CREAT | O_WRONLY, 0600));
	close(open("file", O_CREAT | O_WRONLY, 0600));
	check_eq(symlink("a", "link"), 0);
	check_eq(symlink("none", "nowhere"), 0);
	check_taken("file", "vm-save: file is there and is no snapshot; give another path, or "
			    "remove it");
	check_taken("link", "vm-save: link is there and is no snapshot; give another path, or "
			    "remove it");
	check_taken("nowhere", "vm-save: nowhere is there and is no snapshot; give another path, "
			       "or remove it");
	check_taken("d", "vm-save: d is there and has no state of a snapshot; give another path, "
			 "or remove it");
	check_taken("b", "vm-save: b is there and has a file letter, which no snapshot has; give "
			 "another path, or remove it");
	check_eq(begin_save("../a"), -EINVAL);
	check_snapshot("a", 1);
}

/* What comes to the path while a save is under way is judged again. */
Test(snapshot_directory, comes_and_goes_meanwhile, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	check_eq(begin_save("a"), 0);
	check_eq(write_number("memory", 2) | write_number("state", 2), 0);
	check_eq(rename("a", "b"), 0);
	check_eq(snapshot_directory_commit(&save, &err), 0);
	check_snapshot("a", 2);
	check_eq(begin_save("c"), 0);
	check_eq(write_number("memory", 3) | write_number("state", 3), 0);
	check_eq(rename("b", "c"), 0);
	check_eq(snapshot_directory_commit(&save, &err), 0);
	check_snapshot("c", 3);
	check_eq(begin_save("e"), 0);
	check_eq(write_number("memory", 4) | write_number("state", 4), 0);
	check_eq(mkdir("e", 0700), 0);
	check_eq(snapshot_directory_commit(&save, &err), -EEXIST);
	check_eq(entries("e"), 0);
	check_eq(entries("."), 4);
}

Test(snapshot_directory, leftovers, .init = setup, .fini = teardown)
{
	struct snapshot_directory other;

	check_eq(mkdir(".mvmm-save-0123456789abcdef", 0700), 0);
	check_eq(begin_save("a"), 0);
	check_eq(entries("."), 2);
	/* One that is under way stays. */
	check_eq(write_number("memory", 1) | write_number("state", 1), 0);
	check_eq(snapshot_directory_begin(&other, root, "b", "vm-save", &err), 0);
	check_eq(entries("."), 3);
	snapshot_directory_fini(&other);
	check_eq(snapshot_directory_commit(&save, &err), 0);
	check_snapshot("a", 1);
}

/*
 * bad input: Snapshots: vm-save on a file system without locks, that cannot exchange names or
 * cannot sync, or into a read-only directory -> the error names the cause, and the old snapshot
 * stays
 */
Test(snapshot_directory, host_errors, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	refuse_call(SYS_renameat2, EINVAL);
	check_eq(save_number("a", 2), -EINVAL);
	check_str(err.text, "vm-save: the file system cannot replace a in one step; save to a path "
			    "where nothing is");
	check_snapshot("a", 1);
	check_eq(save_number("b", 3), 0, "without an exchange");
	check_snapshot("b", 3);
	check_eq(begin_save("c"), 0);
	check_eq(write_number("memory", 4) | write_number("state", 4), 0);
	refuse_call(SYS_renameat2, EEXIST);
	check_eq(snapshot_directory_commit(&save, &err), -EEXIST);
	check_str(err.text, "vm-save: c cannot get its name: File exists");
	refuse_call(SYS_fsync, EIO);
	check_eq(save_number("a", 2), -EIO);
	check_str(err.text, "vm-save: the files of a cannot be synced: Input/output error");
	check_snapshot("a", 1);
	refuse_call(SYS_flock, ENOLCK);
	check_eq(save_number("a", 2), -ENOLCK);
	check_str(err.text, "vm-save: cannot make a directory beside a: No locks available; the "
			    "directory must be writable, and its file system have room and locks");
	refuse_call(SYS_mkdirat, EROFS);
	check_eq(save_number("a", 2), -EROFS);
	check_eq(entries("."), 3);
	check_snapshot("a", 1);
}

/* Puts a descriptor that cannot be synced in the place of @fd. */
static void spoil(int *fd)
{
	close(*fd);
	*fd = open(".", O_PATH | O_DIRECTORY);
	cr_assert(*fd >= 0);
}

/* Each file and the directory is synced before the old one goes. */
Test(snapshot_directory, syncs_fail, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	for (unsigned i = 0; i < 3; i++) {
		check_eq(begin_save("a"), 0);
		check_eq(write_number("memory", 2) | write_number("state", 2), 0);
		spoil(i < 2 ? &save.files[i] : &save.dir_fd);
		check_eq(snapshot_directory_commit(&save, &err), -EBADF, "%u", i);
		check_contains(err.text, "vm-save: the files of a cannot be synced: ");
		check_snapshot("a", 1);
		check_eq(entries("."), 2);
	}
}

/* After the last step but one: it is saved, and the message says what is not sure. */
Test(snapshot_directory, last_sync_fails, .init = setup, .fini = teardown)
{
	check_eq(save_number("a", 1), 0);
	check_eq(begin_save("a"), 0);
	check_eq(write_number("memory", 2) | write_number("state", 2), 0);
	spoil(&save.parent_fd);
	check_eq(snapshot_directory_commit(&save, &err), -EBADF);
	check_contains(err.text, "vm-save: a is saved, but a power cut may undo that");
	check_snapshot("a", 2);
	check_eq(entries("."), 2);
}

/* Kills a process that saves at its first call of @nr behind @after_begin. */
static void kill_at(long nr, bool after_begin, uint32_t number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct rlimit no_core = { 0, 0 };
	pid_t child = fork();
	int status;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		if (!after_begin)
			refuse_by_filter(filter, ARRAY_SIZE(filter));
		begin_save("a");
		if (write_number("memory", number) < 0 || write_number("state", number) < 0)
			_exit(1);
		if (after_begin)
			refuse_by_filter(filter, ARRAY_SIZE(filter));
		_exit(snapshot_directory_commit(&save, &err) < 0);
	}
	check_eq(waitpid(child, &status, 0), child);
	check_eq(WIFSIGNALED(status), true, "call %ld", nr);
}

/*
 * bad input: Snapshots: a save is killed at each of its steps -> the old snapshot or the new one is
 * whole, and the next save removes what was left
 */
Test(snapshot_directory, killed_at_each_step, .init = setup, .fini = teardown)
{
	static const struct {
		long nr;
		bool after_begin, new;
	} cases[] = {
		{ SYS_mkdirat, false, false },	{ SYS_flock, false, false },
		{ SYS_write, false, false },	{ SYS_fsync, true, false },
		{ SYS_renameat2, true, false }, { SYS_unlinkat, true, true },
		{ SYS_flock, true, true },
	};
	uint32_t number = 1;

	check_eq(save_number("a", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		kill_at(cases[i].nr, cases[i].after_begin, 100 + (uint32_t)i);
		check_eq(number_at("a"), cases[i].new ? 100 + i : number, "case %zu", i);
		check_eq(save_number("a", ++number), 0, "%s", err.text);
		check_snapshot("a", number);
		check_eq(entries("."), 2, "case %zu", i);
	}
}

static pid_t start_saver(uint32_t number)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; number++)
			if (save_number("a", number) < 0) {
				fprintf(stderr, "%s\n", err.text);
				_exit(1);
			}
	}
	return child;
}

static void end_saver(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	check_eq(waitpid(child, &status, 0), child);
	check_eq(WIFSIGNALED(status), true, "a save failed");
}

Test(snapshot_directory, killed_at_any_moment, .init = setup, .fini = teardown)
{
	unsigned seed = 1;

	check_eq(save_number("a", 1), 0);
	for (uint32_t i = 0; i < 60; i++) {
		pid_t child = start_saver(1000 * i + 1);

		usleep((useconds_t)rand_r(&seed) % 20000); /* any moment */
		end_saver(child);
		cr_assert(number_at("a") > 0);
	}
	check_eq(save_number("a", 7), 0);
	check_snapshot("a", 7);
	check_eq(entries("."), 2);
}

/* A directory that was opened is one snapshot until it is removed. */
static bool read_once(void)
{
	struct contents c[2] = { 0 };
	static const char *const names[] = { "state", "memory" };
	int dir = open("a", O_RDONLY | O_DIRECTORY);
	bool all = dir >= 0;

	for (unsigned i = 0; i < 2 && all; i++) {
		int fd = openat(dir, names[i], O_RDONLY);

		all = fd >= 0 && read(fd, &c[i], sizeof(c[i])) == sizeof(c[i]);
		close(fd);
	}
	cr_assert(dir >= 0, "there is always one");
	close(dir);
	if (all)
		check_eq(c[0].number, c[1].number);
	return all;
}

#define SAVERS 6

/* Savers to one path, which take each other's directories for leftovers if they can. */
Test(snapshot_directory, savers_and_a_reader, .init = setup, .fini = teardown)
{
	struct timespec start, now;
	unsigned whole = 0;
	pid_t savers[SAVERS];

	check_eq(save_number("a", 1), 0);
	for (uint32_t i = 0; i < SAVERS; i++)
		savers[i] = start_saver(1 + i * 1000000);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		whole += read_once();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 3 || whole < 10);
	for (unsigned i = 0; i < SAVERS; i++)
		end_saver(savers[i]);
	check_eq(save_number("a", 7), 0);
	check_snapshot("a", 7);
	check_eq(entries("."), 2);
}
