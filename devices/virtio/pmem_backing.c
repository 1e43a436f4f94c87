// SPDX-License-Identifier: Apache-2.0
/* Maps a pmem device's file. Start reading at pmem_backing_open. */
#include "devices/virtio/pmem_backing.h"

#include "vmm/base/aligned_map.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/file_lock.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE_LIMIT (INT64_MAX - ALIGNED_MAP_ALIGN)

static bool stores_reach_file(const struct pmem_backing_options *opt)
{
	return opt->share && !opt->readonly;
}

static int refuse_to_write(const struct pmem_backing_options *opt, int code, struct error *err)
{
	return error_set(err, code,
			 "%s %s: %s; use readonly=on or share=off if the file can only be read",
			 opt->option, opt->path, strerror(code));
}

/* Only a check: how a descriptor was opened cannot be changed. */
static int take_file(const struct pmem_backing_options *opt, struct error *err)
{
	bool writes = stores_reach_file(opt);
	struct error why;
	int fd = file_argument_take(opt->option, opt->path, writes ? O_RDWR : O_RDONLY, &why);

	if (fd >= 0)
		return fd;
	return error_set(err, -fd, "%s%s", why.text,
			 fd == -EACCES && writes
				 ? "; use readonly=on or share=off if the file can only be read"
				 : "");
}

static int open_file(const struct pmem_backing_options *opt, struct made_file *made,
		     struct error *err)
{
	int flags = stores_reach_file(opt) ? O_RDWR : O_RDONLY;
	int fd;

	if (file_argument_is_fd(opt->path))
		return take_file(opt, err);
	if (opt->size && stores_reach_file(opt))
		flags |= O_CREAT;
	/* Non-blocking only for the open itself: a FIFO would wait for its other end. */
	fd = made_file_open(made, opt->path, flags | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	if (fd == -ENOENT && opt->size && !stores_reach_file(opt))
		return error_set(err, ENOENT,
				 "%s %s: no such file; create it (truncate -s %" PRIu64
				 " %s), or say share=on and readonly=off to have it created",
				 opt->option, opt->path, opt->size, opt->path);
	if (fd == -ENOENT)
		return error_set(err, ENOENT,
				 "%s %s: no such file; create it, or give size= to have it created",
				 opt->option, opt->path);
	if (fd == -EACCES || fd == -EROFS || fd == -EPERM)
		return refuse_to_write(opt, -fd, err);
	return error_system(err, -fd, "%s %s: cannot open", opt->option, opt->path);
}

/* A writer excludes everybody else. A reader excludes writers. */
/* How often to try, 10 ms apart. */
#define PATIENCE 200

static int take_lock(int fd, bool passed, bool writes, struct file_lock_holder *ret_holder)
{
	return passed ? file_lock_take_passed(fd, writes, ret_holder)
		      : file_lock_take(fd, writes, ret_holder);
}

static int lock_file(struct pmem_backing *b, const struct pmem_backing_options *opt,
		     struct error *err)
{
	bool writes = stores_reach_file(opt);
	struct file_lock_holder holder;
	const struct timespec pause = { .tv_nsec = 10000000 };
	char who[32] = "another process";
	bool passed = file_argument_is_fd(opt->path);
	int ret = take_lock(b->fd, passed, writes, &holder);

	/* The kernel closes a killed process's files a bit later. */
	for (unsigned i = 0; i < PATIENCE && ret == -EBUSY && opt->patient && holder.pid &&
			     file_lock_holder_is_ending(holder.pid);
	     i++) {
		nanosleep(&pause, NULL);
		ret = take_lock(b->fd, passed, writes, &holder);
	}
	if (ret >= 0) {
		b->lock_fd = passed ? -1 : ret;
		b->process_lock = passed;
		if (passed)
			file_lock_remember(b->fd, writes);
		return 0;
	}
	if (ret != -EBUSY)
		return error_set(
			err, -ret,
			"%s %s: cannot be locked: %s; give lock=off to use it without a lock",
			opt->option, opt->path, strerror(-ret));
	if (holder.pid)
		snprintf(who, sizeof(who), "process %d", (int)holder.pid);
	if (holder.writes)
		return error_set(err, EBUSY,
				 "%s %s: %s writes to it; end that process, or start both with "
				 "readonly=on or share=off (for lock=off see the manual)",
				 opt->option, opt->path, who);
	return error_set(err, EBUSY,
			 "%s %s: %s reads it; use readonly=on or share=off here, too, or end that "
			 "process (for lock=off see the manual)",
			 opt->option, opt->path, who);
}

static int measure(int fd, const struct pmem_backing_options *opt, uint64_t *ret_size,
		   bool *ret_regular, struct error *err)
{
	struct stat st;
	int readonly;

	if (fstat(fd, &st) < 0)
		return error_system(err, errno, "%s %s", opt->option, opt->path);
	*ret_regular = S_ISREG(st.st_mode);
	if (S_ISREG(st.st_mode)) {
		*ret_size = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return error_set(err, EINVAL,
				 "%s %s: is %s; give a regular file, a block device or a memfd",
				 opt->option, opt->path,
				 S_ISDIR(st.st_mode) ? "a directory" : "not a disk image");
	if (ioctl(fd, BLKGETSIZE64, ret_size) < 0)
		return error_system(err, errno, "%s %s: cannot find the size", opt->option,
				    opt->path);
	/* Linux opens such a device for writing all the same, but would not map it. */
	if (stores_reach_file(opt) && ioctl(fd, BLKROGET, &readonly) == 0 && readonly)
		return refuse_to_write(opt, EROFS, err);
	return 0;
}

/* How many bytes of the file are used; an empty file grows to the size that was asked for. */
static int settle_size(struct pmem_backing *b, const struct pmem_backing_options *opt,
		       struct error *err)
{
	uint64_t have;
	bool regular;
	int ret = measure(b->fd, opt, &have, &regular, err);

	if (ret < 0)
		return ret;
	if (opt->size > SIZE_LIMIT)
		return error_set(err, EFBIG, "%s %s: size=%" PRIu64 " is too large to map",
				 opt->option, opt->path, opt->size);
	if (have == 0 && opt->size && regular && stores_reach_file(opt)) {
		if (ftruncate(b->fd, (off_t)opt->size) < 0)
			return error_system(err, errno, "%s %s: cannot grow it to size=%" PRIu64,
					    opt->option, opt->path, opt->size);
		have = opt->size;
		made_file_grown(&b->made, b->fd);
	}
	if (have == 0 && opt->size)
		return error_set(err, EINVAL,
				 "%s %s: is empty; make it larger (truncate -s %" PRIu64
				 " %s), or say share=on and readonly=off to have it grown",
				 opt->option, opt->path, opt->size, opt->path);
	if (have == 0)
		return error_set(
			err, EINVAL,
			"%s %s: is empty; make it larger (truncate -s 1G %s) or give size=",
			opt->option, opt->path, opt->path);
	if (opt->size > have)
		return error_set(err, EINVAL,
				 "%s %s: has %" PRIu64 " bytes, fewer than size=%" PRIu64
				 "; make it larger (truncate -s %" PRIu64 " %s) or leave size= out",
				 opt->option, opt->path, have, opt->size, opt->size, opt->path);
	if (opt->size % LAYOUT_PAGE && opt->size < have)
		return error_set(err, EINVAL,
				 "%s %s: size=%" PRIu64
				 " is smaller than the file and not a multiple of 4096;"
				 " use a multiple of 4096",
				 opt->option, opt->path, opt->size);
	b->file_size = opt->size ? opt->size : have;
	if (b->file_size > SIZE_LIMIT)
		return error_set(err, EFBIG, "%s %s: is too large to map", opt->option, opt->path);
	b->size = (b->file_size + ALIGNED_MAP_ALIGN - 1) & ~(ALIGNED_MAP_ALIGN - 1);
	return 0;
}

static int map(struct pmem_backing *b, const struct pmem_backing_options *opt, struct error *err)
{
	int prot = opt->readonly ? PROT_READ : PROT_READ | PROT_WRITE;
	int flags = (opt->share ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE) | MAP_FIXED;
	uint8_t *host = aligned_map(b->size, prot);

	if (!host || mmap(host, b->file_size, prot, flags, b->fd, 0) == MAP_FAILED) {
		int code = errno;

		if (host)
			munmap(host, b->size);
		return error_system(err, code, "%s %s: cannot map %" PRIu64 " bytes", opt->option,
				    opt->path, b->file_size);
	}
	madvise(host, b->size, MADV_DONTDUMP); /* as for RAM */
	b->host = host;
	return 0;
}

/* What was made is taken back under the lock. */
static void close_files(struct pmem_backing *b)
{
	made_file_take_back(&b->made, b->fd);
	if (b->process_lock)
		file_lock_forget(b->fd);
	close(b->fd);
	if (b->lock_fd >= 0)
		close(b->lock_fd);
}

int pmem_backing_open(struct pmem_backing *backing, const struct pmem_backing_options *opt,
		      struct error *err)
{
	struct pmem_backing b = {
		.lock_fd = -1, .path = opt->path, .readonly = opt->readonly, .share = opt->share
	};
	struct pmem_backing_options named = *opt;
	int ret;

	if (!named.option)
		named.option = "--pmem";
	opt = &named;
	b.fd = open_file(opt, &b.made, err);
	if (b.fd < 0)
		return b.fd;
	ret = opt->unlocked ? 0 : lock_file(&b, opt, err);
	if (ret == 0)
		ret = settle_size(&b, opt, err);
	if (ret == 0)
		ret = map(&b, opt, err);
	if (ret < 0) {
		close_files(&b);
		return ret;
	}
	/* Private stores need no file behind them: even those behind its end are as good as others.
	 */
	if (opt->readonly)
		b.writable_size = 0;
	else if (opt->share)
		b.writable_size = b.file_size & ~(LAYOUT_PAGE - 1);
	else
		b.writable_size = b.size;
	*backing = b;
	return 0;
}

int pmem_backing_lock_again(struct pmem_backing *backing, struct error *err)
{
	const struct pmem_backing_options opt = {
		.path = backing->path,
		.readonly = backing->readonly,
		.share = backing->share,
		.option = "--pmem",
	};

	return backing->process_lock ? lock_file(backing, &opt, err) : 0;
}

void pmem_backing_keep(struct pmem_backing *backing)
{
	made_file_keep(&backing->made);
}

void pmem_backing_close(struct pmem_backing *backing)
{
	if (!backing->host)
		return;
	munmap(backing->host, backing->size);
	close_files(backing);
	*backing = (struct pmem_backing){ 0 };
}

int pmem_backing_store(struct pmem_backing *backing, uint64_t offset, const void *data,
		       unsigned len)
{
	uint64_t kept = 0;
	int ret;

	if (!backing->readonly && offset < backing->file_size) {
		kept = backing->file_size - offset < len ? backing->file_size - offset : len;
		ret = guarded_copy(backing->host + offset, data, kept);
		if (ret < 0)
			return ret;
	}
	return (int)(len - kept);
}
