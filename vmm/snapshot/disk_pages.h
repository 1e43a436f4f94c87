/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a share=off disk are the VM's own, and not those of its file. Only these are in
 * the memory file of a snapshot, at their place in the disk's part (memory_table.h), and a restore
 * maps them over the file. A page of zeroes can be one of them: a hole of the memory file is a page
 * of zeroes there, and only the list tells that it is not the file's.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"
#include "vmm/snapshot/memory_table.h"
#include "vmm/snapshot/private_pages.h"

#include <stdint.h>

/*
 * Each run is one mapping, and one more of the file behind it. So all disks that a VM can have stay
 * below the 65,530 mappings that Linux lets a process have (vm.max_map_count).
 */
#define DISK_PAGES_MAX_RUNS 1000

struct disk_pages {
	/* Bytes of the disk, in ascending order; a page or more lies between two. */
	struct page_run runs[DISK_PAGES_MAX_RUNS];
	uint32_t count;
};

/*
 * Adds a run, which begins at or behind the start of the last one. If there is no room for one
 * more, the runs that have the least between them are joined: what lies between is saved as well,
 * as the file has it.
 */
void disk_pages_add(struct disk_pages *pages, struct page_run run);

/*
 * Finds the own pages of a disk: those that @memory, which begins at the disk's first byte, lists,
 * and those that a restore has mapped (@mapped, or NULL), which the kernel takes for pages of a
 * file. 0, or -errno of private_pages_next.
 */
int disk_pages_find(struct disk_pages *ret_pages, struct private_pages *memory,
		    const struct disk_pages *mapped);

/* Puts the list into the open section. */
void disk_pages_save(const struct disk_pages *pages, struct state_writer *writer);

/*
 * Reads it for the disk @id of @size bytes. The reader fails unless the runs are whole pages, lie
 * within the disk, and follow each other with something between; and then the list is empty.
 */
void disk_pages_load(struct disk_pages *ret_pages, const char *id, uint64_t size,
		     struct state_reader *reader);

/*
 * Maps the pages over the disk's mapping at @host, from @part of the checked memory file @fd, as
 * memory_file_map does. -errno with @err set; then some are mapped.
 */
int disk_pages_map(const struct disk_pages *pages, int fd, const struct memory_part *part,
		   uint8_t *host, const char *what, struct error *err);
