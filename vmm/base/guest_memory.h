/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one view of guest-physical memory that devices and loaders use: RAM and pmem are both regions
 * of it. Once the guest runs, only the event loop's thread uses it, so it has no lock.
 *
 * All of it is hostile: the guest may change any byte at any time. Copy data out with
 * guest_memory_read before you validate it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A guest-physical address. A struct, so that it cannot be dereferenced or added to by accident. */
typedef struct {
	uint64_t value;
} gpa_t;

static inline gpa_t gpa(uint64_t value)
{
	return (gpa_t){ value };
}

enum guest_region_kind {
	GUEST_RAM,	     /* ordinary memory, the only place for rings */
	GUEST_PMEM,	     /* a file: buffers may lie in it */
	GUEST_PMEM_READONLY, /* a file, or the space behind its end: nothing may write there */
};

struct guest_region {
	gpa_t start;
	uint64_t size; /* bytes, not 0 */
	uint8_t *host; /* guest memory, borrowed */
	enum guest_region_kind kind;
};

#define GUEST_MEMORY_MAX_REGIONS 64

struct guest_memory {
	struct guest_region regions[GUEST_MEMORY_MAX_REGIONS]; /* in ascending order */
	unsigned count;
	bool frozen; /* it is being saved: devices leave it as it is (virtqueue_is_frozen) */
};

/*
 * Adds @size bytes at @start, backed by @host, which stays the caller's.
 * -EINVAL: empty, or beyond the end of the address space. -EEXIST: overlaps a region.
 * -ENOSPC: no room for another region.
 */
int guest_memory_add(struct guest_memory *mem, gpa_t start, uint64_t size, void *host,
		     enum guest_region_kind kind);

/* Removes the regions that lie within @size bytes from @start. */
void guest_memory_remove(struct guest_memory *mem, gpa_t start, uint64_t size);

/*
 * Copy @len bytes out of or into guest memory. The range must lie within one region; a write also
 * needs one that is not read-only. -EFAULT otherwise, and then nothing has been copied. -EIO: the
 * host cannot supply the memory (guarded_copy.h), and some bytes may have been copied.
 */
int guest_memory_read(const struct guest_memory *mem, gpa_t addr, void *buf, size_t len);
int guest_memory_write(const struct guest_memory *mem, gpa_t addr, const void *buf, size_t len);

/*
 * The host address of @len bytes of RAM at @addr, or NULL unless all of them lie in one RAM region.
 * For rings and for loaders; it stays valid as long as @mem's regions stay mapped.
 */
void *guest_memory_ram(const struct guest_memory *mem, gpa_t addr, uint64_t len);

/*
 * The host address of @len bytes at @addr, or NULL unless all of them lie in one region (@writable:
 * one that may be written to). Only for a system call that moves data there or from there: it fails
 * with EFAULT if the host cannot supply a page.
 */
void *guest_memory_host(const struct guest_memory *mem, gpa_t addr, uint64_t len, bool writable);

/*
 * True if @len bytes at @addr lie within one region (@writable: one that may be written to).
 * *@ret_file, unless that is NULL, tells whether it is a file.
 */
bool guest_memory_valid(const struct guest_memory *mem, gpa_t addr, uint64_t len, bool writable,
			bool *ret_file);
