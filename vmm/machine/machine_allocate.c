// SPDX-License-Identifier: Apache-2.0
/* Allocates the files of disks in advance. Start reading at machine_allocate. */
#include "vmm/machine/machine_allocate.h"

#include "vmm/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STEP (256ULL << 20) /* between two looks at the clock */

static int not_enough_room(const struct machine_pmem *pmem, uint64_t missing, uint64_t room,
			   struct error *err)
{
	return error_set(err, ENOSPC,
			 "%s: prealloc=on: %s needs %" PRIu64
			 " more bytes, but its file system has only %" PRIu64
			 " free; make room, give a smaller size=, or leave prealloc=on out",
			 pmem->id, pmem->backing.path, missing, room);
}

/* UINT64_MAX where the file system does not tell, as hugetlbfs and ramfs without a limit. */
static uint64_t room_for(const struct pmem_backing *b)
{
	struct statvfs fs;

	if (fstatvfs(b->fd, &fs) < 0 || !fs.f_blocks)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Checks before anything is allocated. Some of the file's blocks may lie beyond its size. */
static int check_room(const struct machine_pmem *pmem, const struct stat *st, struct error *err)
{
	uint64_t have = (uint64_t)st->st_blocks * 512, size = pmem->backing.file_size;
	uint64_t missing = size > have ? size - have : 0, room = room_for(&pmem->backing);

	return missing > room ? not_enough_room(pmem, missing, room, err) : 0;
}

static void show_progress(const struct machine_pmem *pmem, uint64_t done)
{
	fprintf(stderr, "\r%s%s: allocating %s: %" PRIu64 " %%", log_prefix(), pmem->id,
		pmem->backing.path, done * 100 / pmem->backing.file_size);
}

static int allocation_failed(const struct machine_pmem *pmem, uint64_t done, int code,
			     struct error *err)
{
	const struct pmem_backing *b = &pmem->backing;
	uint64_t room = room_for(b);

	if ((code == ENOSPC || code == EDQUOT) && room != UINT64_MAX)
		return not_enough_room(pmem, b->file_size - done, room, err);
	if (code == EOPNOTSUPP || code == ENOSYS)
		return error_set(err, code,
				 "%s: prealloc=on: the file system of %s cannot allocate in "
				 "advance; fill the file with data, or leave prealloc=on out",
				 pmem->id, b->path);
	return error_system(err, code, "%s: prealloc=on: cannot allocate %s", pmem->id, b->path);
}

static int allocate(const struct machine_pmem *pmem, uint64_t patience_ns, struct error *err)
{
	const struct pmem_backing *b = &pmem->backing;
	uint64_t start = clock_now_ns(CLOCK_MONOTONIC), done = 0;
	bool shown = false;
	int code = 0;

	while (done < b->file_size && !code) {
		uint64_t n = b->file_size - done < STEP ? b->file_size - done : STEP;

		if (fallocate(b->fd, FALLOC_FL_KEEP_SIZE, (off_t)done, (off_t)n) < 0)
			code = errno == EINTR ? 0 : errno;
		else
			done += n;
		if (clock_now_ns(CLOCK_MONOTONIC) - start < patience_ns || !isatty(STDERR_FILENO) ||
		    log_is_json())
			continue;
		show_progress(pmem, done);
		shown = true;
	}
	if (shown)
		fputc('\n', stderr);
	return code ? allocation_failed(pmem, done, code, err) : 0;
}

int machine_allocate(const struct machine *machine, uint64_t patience_ns, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < machine->n_pmem && ret == 0; i++) {
		const struct machine_pmem *pmem = &machine->pmem[i];
		struct stat st;

		/* The room of a block device is allocated already. */
		if (!pmem->prealloc || fstat(pmem->backing.fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		ret = check_room(pmem, &st, err);
		if (ret == 0)
			ret = allocate(pmem, patience_ns, err);
	}
	return ret;
}
