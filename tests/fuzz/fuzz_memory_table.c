// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/snapshot/memory_table.c
/*
 * Any bytes as the table of a memory file, in a sound state file: the input is the section. What is
 * accepted can be mapped: whole pages, within the file, none twice. It is what would be saved
 * again.
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/base/layout.h"
#include "vmm/base/state_format.h"
#include "vmm/snapshot/memory_table.h"

static void save_section(struct state_writer *w, const uint8_t *data, size_t size)
{
	state_writer_init(w, STATE_MAX_SIZE);
	state_writer_begin(w, "memory", 1);
	state_writer_bytes(w, data, size);
	state_writer_end(w);
	fuzz_check(state_writer_finish(w, NULL) == 0);
}

/* By 128 bits, in which no sum wraps. */
static bool share_a_byte(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	unsigned __int128 a_end = (unsigned __int128)a + a_size;
	unsigned __int128 b_end = (unsigned __int128)b + b_size;

	return (a > b ? a : b) < (a_end < b_end ? a_end : b_end);
}

static void check_part(const struct memory_table *t, uint32_t i)
{
	const struct memory_part *p = &t->parts[i];

	fuzz_check(p->size && (p->gpa | p->size | p->offset) % LAYOUT_PAGE == 0);
	fuzz_check((unsigned __int128)p->gpa + p->size <= UINT64_MAX);
	fuzz_check((unsigned __int128)p->offset + p->size <= t->file_size);
	for (uint32_t j = 0; j < i; j++) {
		const struct memory_part *q = &t->parts[j];

		fuzz_check(!share_a_byte(p->gpa, p->size, q->gpa, q->size));
		fuzz_check(!share_a_byte(p->offset, p->size, q->offset, q->size));
	}
	fuzz_check(memory_table_find(t, gpa(p->gpa), p->size) == p);
}

static void check_saved_again(const struct memory_table *t, const uint8_t *data, size_t size)
{
	struct state_writer once, again;

	save_section(&once, data, size);
	state_writer_init(&again, STATE_MAX_SIZE);
	memory_table_save(t, &again);
	fuzz_check(state_writer_finish(&again, NULL) == 0);
	fuzz_check(once.file.len == again.file.len);
	fuzz_check(memcmp(once.file.data, again.file.data, once.file.len) == 0);
	state_writer_fini(&again);
	state_writer_fini(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_table table;
	struct error err = { 0 };
	struct state_reader r;
	struct state_writer w;

	save_section(&w, data, size);
	fuzz_check(state_reader_init(&r, "state", w.file.data, w.file.len, &err) == 0);
	state_writer_fini(&w);
	memory_table_load(&table, &r);
	if (state_reader_finish(&r, &err) == 0) {
		fuzz_check(table.count <= GUEST_MEMORY_MAX_REGIONS);
		fuzz_check(table.file_size <= INT64_MAX);
		for (uint32_t i = 0; i < table.count; i++)
			check_part(&table, i);
		check_saved_again(&table, data, size);
	} else {
		fuzz_check(*err.text && table.count == 0);
	}
	state_reader_fini(&r);
	return 0;
}
