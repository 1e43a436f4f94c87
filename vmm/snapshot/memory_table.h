/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of guest memory is where in the memory file of a snapshot. It is a section of the
 * state file, and as hostile as that.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdint.h>

/* Bytes; all are multiples of a page. */
struct memory_part {
	uint64_t gpa;
	uint64_t size;	 /* not 0 */
	uint64_t offset; /* in the file */
};

struct memory_table {
	struct memory_part parts[GUEST_MEMORY_MAX_REGIONS];
	uint32_t count;
	uint64_t file_size; /* bytes of the whole file */
};

/*
 * Adds @size bytes of guest memory at @start, behind all others in the file, where huge pages can
 * back both alike. The part is parts[count - 1] then. -EINVAL: not whole pages, none, or beyond the
 * end of the address space or of the largest file. -EEXIST: overlaps a part. -ENOSPC: no room for
 * another part.
 */
int memory_table_add(struct memory_table *table, gpa_t start, uint64_t size);

/* Puts the section "memory". */
void memory_table_save(const struct memory_table *table, struct state_writer *writer);

/*
 * Reads that section. The reader fails unless all parts are whole pages, lie within the address
 * space and the file, and overlap neither in guest memory nor in the file; and then the table is
 * empty.
 */
void memory_table_load(struct memory_table *ret_table, struct state_reader *reader);

/* The part at @start of @size bytes, or NULL. */
const struct memory_part *memory_table_find(const struct memory_table *table, gpa_t start,
					    uint64_t size);
