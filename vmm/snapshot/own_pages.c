// SPDX-License-Identifier: Apache-2.0
/* Lists own pages, and maps them. Start reading at own_pages_find. */
#include "vmm/snapshot/own_pages.h"

#include "vmm/base/layout.h"
#include "vmm/snapshot/memory_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* How many gaps between runs are closed at once. */
#define THINNED (OWN_PAGES_MAX_RUNS / 2)

/* How many bytes lie before a run that is not the first. */
static uint64_t gap_before(const struct own_pages *pages, uint32_t i)
{
	return pages->runs[i].start - pages->runs[i - 1].end;
}

/* The least size that THINNED of the gaps do not exceed, by bisection. */
static uint64_t small_gap(const struct own_pages *pages)
{
	uint64_t low = 0, high = UINT64_MAX;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint32_t n = 0;

		for (uint32_t i = 1; i < pages->count; i++)
			n += gap_before(pages, i) <= middle;
		if (n < THINNED)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Closes the THINNED smallest gaps. */
static void thin(struct own_pages *pages)
{
	const uint64_t small = small_gap(pages);
	uint32_t closed = 0, n = pages->count;

	pages->count = 1;
	for (uint32_t i = 1; i < n; i++) {
		const struct page_run run = pages->runs[i];
		struct page_run *last = &pages->runs[pages->count - 1];

		if (closed < THINNED && run.start - last->end <= small) {
			last->end = run.end;
			closed++;
		} else {
			pages->runs[pages->count++] = run;
		}
	}
}

void own_pages_add(struct own_pages *pages, struct page_run run)
{
	struct page_run *last = pages->count ? &pages->runs[pages->count - 1] : NULL;

	if (!last || run.start > last->end) {
		if (pages->count == OWN_PAGES_MAX_RUNS)
			thin(pages);
		pages->runs[pages->count++] = run;
	} else if (run.end > last->end) {
		last->end = run.end;
	}
}

int own_pages_find(struct own_pages *ret_pages, struct private_pages *memory,
		   const struct own_pages *mapped)
{
	struct page_run stored = { 0 };
	uint32_t i = 0;

	ret_pages->count = 0;
	do {
		int ret = private_pages_next(memory, stored.end, &stored);

		if (ret < 0)
			return ret;
		while (mapped && i < mapped->count && mapped->runs[i].start < stored.start)
			own_pages_add(ret_pages, mapped->runs[i++]);
		if (stored.start < stored.end)
			own_pages_add(ret_pages, stored);
	} while (stored.start < stored.end);
	return 0;
}

int own_pages_make(int pagemap_fd, const void *host, uint64_t size, const struct own_pages *mapped,
		   const char *command, const char *of, struct own_pages **ret_pages,
		   struct error *err)
{
	struct own_pages *pages = malloc(sizeof(*pages));
	struct private_pages memory;
	int ret;

	if (!pages)
		return error_set(err, ENOMEM, "out of memory");
	private_pages_init(&memory, pagemap_fd, host, size);
	ret = own_pages_find(pages, &memory, mapped);
	if (ret < 0) {
		free(pages);
		return error_system(err, -ret, "%s: the list of pages of %s, /proc/self/pagemap",
				    command, of);
	}
	*ret_pages = pages;
	return 0;
}

void own_pages_save(const struct own_pages *pages, struct state_writer *writer)
{
	state_writer_u32(writer, pages->count);
	for (uint32_t i = 0; i < pages->count; i++) {
		state_writer_u64(writer, pages->runs[i].start);
		state_writer_u64(writer, pages->runs[i].end);
	}
}

/* Why the run cannot be there, behind that @before it or NULL; NULL if it can. */
static const char *refuse(struct page_run run, const struct page_run *before, uint64_t size)
{
	if ((run.start | run.end) % LAYOUT_PAGE)
		return "are not whole pages";
	if (run.start >= run.end)
		return "are none";
	if (run.end > size)
		return "end behind the disk";
	if (before && run.start <= before->end)
		return "do not lie behind those before them";
	return NULL;
}

void own_pages_load(struct own_pages *ret_pages, const char *of, uint64_t size,
		    struct state_reader *reader)
{
	uint32_t n = state_reader_count(reader, "runs of pages", OWN_PAGES_MAX_RUNS);
	struct own_pages *p = ret_pages;

	for (p->count = 0; p->count < n; p->count++) {
		struct page_run *run = &p->runs[p->count];
		const char *why;

		run->start = state_reader_u64(reader);
		run->end = state_reader_u64(reader);
		why = refuse(*run, p->count ? run - 1 : NULL, size);
		if (why)
			state_reader_fail(reader, EINVAL,
					  "the bytes 0x%" PRIx64 " to 0x%" PRIx64
					  " of %s, which has 0x%" PRIx64
					  ", %s: it is damaged; save the VM again",
					  run->start, run->end, of, size, why);
	}
	if (reader->failed)
		p->count = 0;
}

struct own_pages *own_pages_load_new(const char *of, uint64_t size, struct state_reader *reader)
{
	struct own_pages *pages = malloc(sizeof(*pages));

	if (pages)
		own_pages_load(pages, of, size, reader);
	else
		state_reader_fail(reader, ENOMEM, "out of memory");
	return pages;
}

int own_pages_map(const struct own_pages *pages, int fd, const struct memory_part *part,
		  uint8_t *host, const char *what, struct error *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < pages->count && ret == 0; i++) {
		const struct page_run *run = &pages->runs[i];
		const struct memory_part piece = { .gpa = part->gpa + run->start,
						   .size = run->end - run->start,
						   .offset = part->offset + run->start };
		void *mapped;

		ret = memory_file_map(fd, &piece, host + run->start, what, &mapped, err);
	}
	return ret;
}
