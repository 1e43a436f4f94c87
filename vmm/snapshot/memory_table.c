// SPDX-License-Identifier: Apache-2.0
/* Places guest memory in a file, and checks where another mvmm says it is. Start reading at refuse.
 */
#include "vmm/snapshot/memory_table.h"

#include "vmm/base/aligned_map.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#define SECTION "memory"
#define VERSION 1

/* The size of a file is signed. */
#define FILE_MAX ((uint64_t)INT64_MAX & ~(uint64_t)(LAYOUT_PAGE - 1))

static bool is_whole_pages(uint64_t value)
{
	return value % LAYOUT_PAGE == 0;
}

/* Whether the two runs of bytes, which end before 2^64, have a byte in common. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Why @part cannot be there, with the parts before @index; NULL if it can. */
static const char *refuse(const struct memory_table *t, uint32_t index,
			  const struct memory_part *part, int *ret_code)
{
	*ret_code = EINVAL;
	if (!part->size || !is_whole_pages(part->size) || !is_whole_pages(part->gpa) ||
	    !is_whole_pages(part->offset))
		return "is not at whole pages";
	/* The last page of the address space is left out, so that ends do not wrap to 0. */
	if (part->size > UINT64_MAX - part->gpa)
		return "ends behind the address space";
	if (part->offset > t->file_size || part->size > t->file_size - part->offset)
		return "ends behind the file";
	*ret_code = EEXIST;
	for (uint32_t i = 0; i < index; i++) {
		const struct memory_part *other = &t->parts[i];

		if (overlap(part->gpa, part->size, other->gpa, other->size))
			return "overlaps an earlier part in guest memory";
		if (overlap(part->offset, part->size, other->offset, other->size))
			return "overlaps an earlier part in the file";
	}
	return NULL;
}

int memory_table_add(struct memory_table *table, gpa_t start, uint64_t size)
{
	uint64_t offset = (table->file_size + ALIGNED_MAP_ALIGN - 1) & -ALIGNED_MAP_ALIGN;
	struct memory_part part = { start.value, size, offset };
	struct memory_table larger = *table;
	int code;

	if (table->count == GUEST_MEMORY_MAX_REGIONS)
		return -ENOSPC;
	if (offset > FILE_MAX || size > FILE_MAX - offset)
		return -EINVAL;
	larger.file_size = offset + size;
	if (refuse(&larger, table->count, &part, &code))
		return -code;
	table->parts[table->count++] = part;
	table->file_size = larger.file_size;
	return 0;
}

void memory_table_save(const struct memory_table *table, struct state_writer *writer)
{
	state_writer_begin(writer, SECTION, VERSION);
	state_writer_u64(writer, table->file_size);
	state_writer_u32(writer, table->count);
	for (uint32_t i = 0; i < table->count; i++) {
		state_writer_u64(writer, table->parts[i].gpa);
		state_writer_u64(writer, table->parts[i].size);
		state_writer_u64(writer, table->parts[i].offset);
	}
	state_writer_end(writer);
}

static void load_part(struct memory_table *t, uint32_t index, struct state_reader *reader)
{
	struct memory_part *part = &t->parts[index];
	const char *why;
	int code;

	part->gpa = state_reader_u64(reader);
	part->size = state_reader_u64(reader);
	part->offset = state_reader_u64(reader);
	why = refuse(t, index, part, &code);
	if (why)
		state_reader_fail(reader, EINVAL,
				  "part %" PRIu32 ", 0x%" PRIx64 " bytes at 0x%" PRIx64
				  " of guest memory and at 0x%" PRIx64 " of a file of 0x%" PRIx64
				  ", %s: it is damaged; save the VM again",
				  index, part->size, part->gpa, part->offset, t->file_size, why);
}

void memory_table_load(struct memory_table *ret_table, struct state_reader *reader)
{
	struct memory_table t = { 0 };

	state_reader_begin(reader, SECTION, VERSION);
	t.file_size = state_reader_u64(reader);
	if (t.file_size > FILE_MAX || !is_whole_pages(t.file_size))
		state_reader_fail(reader, EINVAL,
				  "the size of the memory file is 0x%" PRIx64
				  ", which no file of whole pages has: it is damaged; save the VM "
				  "again",
				  t.file_size);
	t.count = state_reader_count(reader, "parts", GUEST_MEMORY_MAX_REGIONS);
	for (uint32_t i = 0; i < t.count; i++)
		load_part(&t, i, reader);
	state_reader_end(reader);
	if (reader->failed)
		t = (struct memory_table){ 0 };
	*ret_table = t;
}

const struct memory_part *memory_table_find(const struct memory_table *table, gpa_t start,
					    uint64_t size)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->parts[i].gpa == start.value && table->parts[i].size == size)
			return &table->parts[i];
	return NULL;
}
