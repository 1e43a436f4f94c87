// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/snapshot/own_pages.c
/*
 * Any bytes as the list of a disk's own pages: the input is the disk's size in pages, 16 bits, and
 * the list. What is accepted can be mapped: whole pages, within the disk, none twice. It is what
 * would be saved again, and added run by run, it is the same list.
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/base/layout.h"
#include "vmm/base/state_format.h"
#include "vmm/snapshot/own_pages.h"

static void save_section(struct state_writer *w, const uint8_t *data, size_t size)
{
	state_writer_init(w, STATE_MAX_SIZE);
	state_writer_begin(w, "disks", 1);
	state_writer_bytes(w, data, size);
	state_writer_end(w);
	fuzz_check(state_writer_finish(w, NULL) == 0);
}

static void check_runs(const struct own_pages *p, uint64_t size)
{
	uint64_t free = 0; /* where the next one may begin */

	fuzz_check(p->count <= OWN_PAGES_MAX_RUNS);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct page_run *run = &p->runs[i];

		fuzz_check(run->start % LAYOUT_PAGE == 0 && run->end % LAYOUT_PAGE == 0);
		fuzz_check(run->start >= free && run->start < run->end && run->end <= size);
		free = run->end + LAYOUT_PAGE;
	}
}

static void check_saved_again(const struct own_pages *p, const uint8_t *data, size_t size)
{
	static struct own_pages added;
	struct state_writer once, again;

	added.count = 0;
	for (uint32_t i = 0; i < p->count; i++)
		own_pages_add(&added, p->runs[i]);
	save_section(&once, data, size);
	state_writer_init(&again, STATE_MAX_SIZE);
	state_writer_begin(&again, "disks", 1);
	own_pages_save(&added, &again);
	state_writer_end(&again);
	fuzz_check(state_writer_finish(&again, NULL) == 0);
	fuzz_check(once.file.len == again.file.len);
	fuzz_check(memcmp(once.file.data, again.file.data, once.file.len) == 0);
	state_writer_fini(&again);
	state_writer_fini(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint64_t disk = (uint64_t)fuzz_input_u16(&in) * LAYOUT_PAGE;
	static struct own_pages pages;
	struct error err = { 0 };
	struct state_reader r;
	struct state_writer w;

	save_section(&w, in.bytes, in.left);
	fuzz_check(state_reader_init(&r, "state", w.file.data, w.file.len, &err) == 0);
	state_writer_fini(&w);
	fuzz_check(state_reader_begin(&r, "disks", 1) == 1);
	own_pages_load(&pages, "disk pmem0", disk, &r);
	state_reader_end(&r);
	if (state_reader_finish(&r, &err) == 0) {
		check_runs(&pages, disk);
		check_saved_again(&pages, in.bytes, in.left);
	} else {
		fuzz_check(*err.text);
	}
	state_reader_fini(&r);
	return 0;
}
