// SPDX-License-Identifier: Apache-2.0
/* Writes guest memory to a sparse file, and maps it again. Start reading at write_part. */
#include "vmm/snapshot/memory_file.h"

#include "vmm/base/file_write.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/layout.h"
#include "vmm/snapshot/own_pages.h"
#include "vmm/snapshot/private_pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A part that is being written. */
struct job {
	int fd;
	const struct memory_part *part;
	const struct memory_source *source;
	const char *what;
	uint64_t written;
};

static int is_zero(const struct job *job, uint64_t at, bool *ret_zero, struct error *err)
{
	static const uint8_t zeroes[LAYOUT_PAGE];
	const uint8_t *page = job->source->host + at;
	uint8_t copy[LAYOUT_PAGE];

	/* Only a page that a file supplies can be missing. */
	if (job->source->base_fd >= 0) {
		if (guarded_copy(copy, page, sizeof(copy)) < 0)
			return error_set(err, EIO,
					 "%s: the host cannot supply the memory of the guest at "
					 "0x%" PRIx64
					 ", whose file was truncated or cannot be read",
					 job->what, job->part->gpa + at);
		page = copy;
	}
	*ret_zero = memcmp(page, zeroes, sizeof(zeroes)) == 0;
	return 0;
}

/* Writes the bytes of @run, none of whose pages is zero. */
static int write_pages(struct job *job, struct page_run run, struct error *err)
{
	uint64_t size = run.end - run.start;
	int ret = file_write_at(job->fd, job->part->offset + run.start,
				job->source->host + run.start, size, job->what, err);

	if (ret == 0)
		job->written += size;
	return ret;
}

/* Writes the bytes of @run but for pages of zeroes, in as few calls as there are runs between them.
 */
static int write_run(struct job *job, struct page_run run, struct error *err)
{
	struct page_run found = { run.start, run.start };
	int ret = 0;

	for (uint64_t at = run.start; at < run.end && ret == 0; at += LAYOUT_PAGE) {
		bool zero = false;

		ret = is_zero(job, at, &zero, err);
		if (ret < 0)
			return ret;
		if (zero) {
			ret = write_pages(job, found, err);
			found.start = at + LAYOUT_PAGE;
		}
		found.end = at + LAYOUT_PAGE;
	}
	return ret < 0 ? ret : write_pages(job, found, err);
}

/* Finds the first data of the base at or behind @from of the part; an empty run at the end if there
 * is none. */
static int next_data(const struct job *job, uint64_t from, struct page_run *ret_run,
		     struct error *err)
{
	const struct memory_source *source = job->source;
	const uint64_t size = job->part->size, page = LAYOUT_PAGE;
	off_t data = -1, hole = -1;

	*ret_run = (struct page_run){ size, size };
	if (source->base_fd < 0 || from >= size)
		return 0;
	data = lseek(source->base_fd, (off_t)(source->base_offset + from), SEEK_DATA);
	/* A block device has data everywhere. */
	if (data < 0 && errno == EINVAL) {
		*ret_run = (struct page_run){ from, size };
		return 0;
	}
	if (data >= 0)
		hole = lseek(source->base_fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO /* no more data */
			       ? 0
			       : error_system(err, errno, "%s: the file that backs guest memory",
					      job->what);
	ret_run->start = ((uint64_t)data - source->base_offset) & ~(page - 1);
	ret_run->end = ((uint64_t)hole - source->base_offset + page - 1) & ~(page - 1);
	if (ret_run->end > size)
		ret_run->end = size;
	return 0;
}

static int next_private(struct private_pages *pages, const struct job *job, uint64_t from,
			struct page_run *ret_run, struct error *err)
{
	int ret = private_pages_next(pages, from, ret_run);

	return ret < 0 ? error_system(err, -ret, "%s: the list of pages, /proc/self/pagemap",
				      job->what)
		       : 0;
}

/*
 * Truncating a file also drops the private copies of its pages. So guest memory that lies behind
 * the new end of its base file is lost, and must not be saved as if it were whole.
 */
static int check_base(const struct job *job, struct error *err)
{
	const struct memory_source *source = job->source;
	struct stat st;

	if (source->base_fd < 0)
		return 0;
	if (fstat(source->base_fd, &st) < 0)
		return error_system(err, errno, "%s: the file that backs guest memory", job->what);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < source->base_offset + source->base_size)
		return error_set(err, EIO,
				 "%s: the file that backs the memory of the guest at 0x%" PRIx64
				 " was truncated: it has %" PRIu64 " bytes, and 0x%" PRIx64
				 " are mapped",
				 job->what, job->part->gpa, (uint64_t)st.st_size,
				 source->base_offset + source->base_size);
	return 0;
}

/* Goes through what is the process's own or data of the base. The rest of the part is zero. */
static int write_all(struct job *job, int pagemap_fd, struct error *err)
{
	struct page_run own = { 0 }, data = { 0 };
	const uint64_t size = job->part->size;
	struct private_pages pages;
	int ret = 0;

	private_pages_init(&pages, pagemap_fd, job->source->host, size);
	for (uint64_t at = 0; ret == 0;) {
		struct page_run run;

		if (own.end <= at)
			ret = next_private(&pages, job, at, &own, err);
		if (ret == 0 && data.end <= at)
			ret = next_data(job, at, &data, err);
		if (ret < 0)
			break;
		run = own.start <= data.start ? own : data;
		if (run.start < at)
			run.start = at;
		if (run.start >= size)
			break;
		ret = write_run(job, run, err);
		at = run.end;
	}
	return ret;
}

static int write_only(struct job *job, const struct own_pages *pages, struct error *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < pages->count && ret == 0; i++)
		ret = write_run(job, pages->runs[i], err);
	return ret;
}

static int write_part(struct job *job, int pagemap_fd, struct error *err)
{
	const struct own_pages *only = job->source->only;
	int ret = check_base(job, err);

	if (ret < 0)
		return ret;
	if (only)
		return write_only(job, only, err);
	ret = write_all(job, pagemap_fd, err);
	/* The kernel does not take them for private, and the base does not have them. */
	return ret < 0 || !job->source->mapped ? ret : write_only(job, job->source->mapped, err);
}

int memory_file_write(int fd, const struct memory_table *table, const struct memory_source *sources,
		      int pagemap_fd, const char *what, uint64_t *ret_written, struct error *err)
{
	uint64_t written = 0;

	if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)table->file_size) < 0)
		return error_system(err, errno, "%s: cannot be made %" PRIu64 " bytes large", what,
				    table->file_size);
	for (uint32_t i = 0; i < table->count; i++) {
		struct job job = {
			.fd = fd, .part = &table->parts[i], .source = &sources[i], .what = what
		};
		int ret = write_part(&job, pagemap_fd, err);

		if (ret < 0)
			return ret;
		written += job.written;
	}
	*ret_written = written;
	return 0;
}

int memory_file_check(int fd, const struct memory_table *table, const char *what, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_system(err, errno, "%s", what);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL,
				 "%s: is not a regular file; name the file memory of a snapshot",
				 what);
	if ((uint64_t)st.st_size != table->file_size)
		return error_set(err, EINVAL,
				 "%s: has %" PRIu64 " bytes, and %" PRIu64
				 " were saved: it is not the memory of this state, or was "
				 "truncated; take another copy, or save the VM again",
				 what, (uint64_t)st.st_size, table->file_size);
	return 0;
}

int memory_file_map(int fd, const struct memory_part *part, void *at, const char *what,
		    void **ret_host, struct error *err)
{
	void *host =
		mmap(at, part->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_NORESERVE | (at ? MAP_FIXED : 0), fd, (off_t)part->offset);

	if (host == MAP_FAILED)
		return error_set(err, errno,
				 "%s: cannot map %" PRIu64 " MiB of guest memory: %s; raise the "
				 "limit on address space (ulimit -v)",
				 what, part->size >> 20, strerror(errno));
	*ret_host = host;
	return 0;
}
