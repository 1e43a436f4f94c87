// SPDX-License-Identifier: Apache-2.0
/* Locks files, and finds the process that has locked one. Start reading at file_lock_take. */
#include "vmm/base/file_lock.h"

#include "vmm/base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LINE_MAX_LEN 256
#define FILE_KEY_LEN 64
/* More than a VM can have disks, and the memory that it was restored from. */
#define MAX_REMEMBERED 64

/* Locks of this process, which end when it closes any descriptor of the file. */
static struct {
	int fd;
	bool writes;
} remembered[MAX_REMEMBERED];
static unsigned n_remembered;

/*
 * The device and inode of @fd's file as the kernel prints them in its list of locks. They can
 * differ from those of fstat(2) (btrfs, overlayfs). The file must have a flock.
 */
static bool find_key(int fd, char ret_key[FILE_KEY_LEN])
{
	char path[64], line[LINE_MAX_LEN];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "lock: %*s FLOCK %*s %*s %*s %63s", ret_key) == 1;
	if (f)
		fclose(f);
	return found;
}

/* The process that has a flock on the file @key, or 0. */
static pid_t find_other(const char *key)
{
	char line[LINE_MAX_LEN], other[FILE_KEY_LEN];
	FILE *f = fopen("/proc/locks", "re");
	pid_t pid, found = 0;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s FLOCK %*s %*s %d %63s", &pid, other) == 2 &&
		    strcmp(other, key) == 0 && pid != getpid())
			found = pid;
	if (f)
		fclose(f);
	return found;
}

static void find_holder(int fd, const struct flock *wanted, struct file_lock_holder *ret_holder)
{
	struct flock other = *wanted;
	char key[FILE_KEY_LEN];

	/* If the holder has released its lock meanwhile, it may have been a reader or a writer. */
	ret_holder->writes = fcntl(fd, F_OFD_GETLK, &other) < 0 || other.l_type != F_RDLCK;
	/* l_pid is -1 for a lock of no process, and unchanged if there is no holder. */
	if (other.l_pid > 0)
		ret_holder->pid = other.l_pid;
	else
		ret_holder->pid = find_key(fd, key) ? find_other(key) : 0;
}

/* The value of a line "NAME:\tHEX" of /proc/PID/status, or 0. */
static unsigned long signal_set(FILE *status, const char *name)
{
	char line[LINE_MAX_LEN];
	unsigned long set = 0;

	rewind(status);
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), ":%lx", &set);
	return set;
}

bool file_lock_holder_is_ending(pid_t pid)
{
	const unsigned long killed = 1UL << (SIGKILL - 1);
	char path[64], state = '?', line[LINE_MAX_LEN];
	FILE *f;
	bool ending;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT;
	while (state == '?' && fgets(line, sizeof(line), f))
		sscanf(line, "State: %c", &state);
	ending = state == 'Z' || state == 'X' || signal_set(f, "SigPnd") & killed ||
		 signal_set(f, "ShdPnd") & killed;
	fclose(f);
	return ending;
}

int file_lock_take(int fd, bool writes, struct file_lock_holder *ret_holder)
{
	const struct flock wanted = { .l_type = writes ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	char path[64];
	int lock, ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lock = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (lock < 0)
		return -errno;
	ret = fcntl(lock, F_OFD_SETLK, &wanted) < 0 ? -errno : 0;
	/* If it fails, as on NFS, other processes cannot learn our pid. */
	flock(lock, LOCK_SH | LOCK_NB);
	if (ret == 0)
		return lock;
	if (ret == -EAGAIN || ret == -EACCES) {
		find_holder(lock, &wanted, ret_holder);
		ret = -EBUSY;
	}
	close(lock);
	return ret;
}

int file_lock_take_passed(int fd, bool writes, struct file_lock_holder *ret_holder)
{
	const struct flock wanted = { .l_type = writes ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &wanted) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	if (ret_holder)
		find_holder(fd, &wanted, ret_holder);
	return -EBUSY;
}

void file_lock_remember(int fd, bool writes)
{
	file_lock_forget(fd);
	assert(n_remembered < MAX_REMEMBERED);
	remembered[n_remembered].fd = fd;
	remembered[n_remembered++].writes = writes;
}

void file_lock_forget(int fd)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n_remembered; i++)
		if (remembered[i].fd != fd)
			remembered[kept++] = remembered[i];
	n_remembered = kept;
}

int file_lock_take_again(void)
{
	int first = 0;

	for (unsigned i = 0; i < n_remembered; i++) {
		int ret = file_lock_take_passed(remembered[i].fd, remembered[i].writes, NULL);

		if (first == 0)
			first = ret;
	}
	return first;
}

void file_lock_close(int fd)
{
	int ret;

	close(fd);
	ret = file_lock_take_again();
	if (ret < 0)
		log_warning("a descriptor of a file in use was closed, and the file cannot be "
			    "locked again: %s",
			    strerror(-ret));
}
