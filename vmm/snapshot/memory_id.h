/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells which state file a memory file belongs to: both have the same random number, the memory
 * file in its last page.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"
#include "vmm/snapshot/memory_table.h"

#include <stdint.h>

struct memory_id {
	uint8_t bytes[16];
};

/* Makes room for it behind all parts of a complete table. */
void memory_id_reserve(struct memory_table *table);

/* Makes a new id, and puts it into the memory file @fd of @table and into the section "memory-id"
 * of
 * @writer. -errno with @err set, which begins with @what. */
int memory_id_save(int fd, const struct memory_table *table, struct state_writer *writer,
		   const char *what, struct error *err);

/* Whether the checked memory file @fd is the one of the state that @reader reads. -EINVAL or the
 * errors of pread(2) and of the reader, with @err set. */
int memory_id_check(int fd, const struct memory_table *table, struct state_reader *reader,
		    const char *what, struct error *err);
