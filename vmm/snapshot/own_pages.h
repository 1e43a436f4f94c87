/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a share=off disk are the VM's own, and not those of its file; and, in a fork,
 * which pages of RAM are not those of the file below it. Only these are in the memory file of a
 * snapshot, or in that of a fork, at their place in the disk's or RAM's part (memory_table.h), and
 * a restore maps them over the file. A page of zeroes can be one of them: a hole of the memory file
 * is a page of zeroes there, and only the list tells that it is not the file's.
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
#define OWN_PAGES_MAX_RUNS 1000

struct own_pages {
	/* Bytes of the part, in ascending order; a page or more lies between two. */
	struct page_run runs[OWN_PAGES_MAX_RUNS];
	uint32_t count;
};

/*
 * Adds a run, which begins at or behind the start of the last one. If there is no room for one
 * more, the runs that have the least between them are joined: what lies between is saved as well,
 * as the file has it.
 */
void own_pages_add(struct own_pages *pages, struct page_run run);

/*
 * Finds own pages: those that @memory, which begins at the part's first byte, lists, and those that
 * a restore has mapped (@mapped, or NULL), which the kernel takes for pages of a file. 0, or -errno
 * of private_pages_next.
 */
int own_pages_find(struct own_pages *ret_pages, struct private_pages *memory,
		   const struct own_pages *mapped);

/*
 * The same of the @size bytes at @host, by private_pages_open's @pagemap_fd, into a new list, which
 * the caller frees. @command and @of, "RAM" or a disk's file, are for messages. -errno with @err
 * set.
 */
int own_pages_make(int pagemap_fd, const void *host, uint64_t size, const struct own_pages *mapped,
		   const char *command, const char *of, struct own_pages **ret_pages,
		   struct error *err);

/* Puts the list into the open section. */
void own_pages_save(const struct own_pages *pages, struct state_writer *writer);

/*
 * Reads it, for @of, "disk pmem0" or "RAM", of @size bytes. The reader fails unless the runs are
 * whole pages, lie within it, and follow each other with something between; and then the list is
 * empty.
 */
void own_pages_load(struct own_pages *ret_pages, const char *of, uint64_t size,
		    struct state_reader *reader);

/* The same into a new list, which the caller frees. NULL, and the reader fails: out of memory. */
struct own_pages *own_pages_load_new(const char *of, uint64_t size, struct state_reader *reader);

/*
 * Maps the pages over the mapping at @host, from @part of the checked memory file @fd, as
 * memory_file_map does. -errno with @err set; then some are mapped.
 */
int own_pages_map(const struct own_pages *pages, int fd, const struct memory_part *part,
		  uint8_t *host, const char *what, struct error *err);
