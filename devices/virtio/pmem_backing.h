/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host side of a pmem device: a file, block device or memfd mapped at a 2 MiB boundary. The
 * guest sees a multiple of 2 MiB, because Linux maps nothing else; the space behind the file's end
 * reads as zero. A store that cannot reach the file is not accepted. In the last page, which the
 * file may fill in part, the bytes within the file are stored and the others dropped. Stores behind
 * that page are dropped. Each is counted and fails the guest's next flush, so that no data is lost
 * without an error.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/made_file.h"

#include <stdbool.h>
#include <stdint.h>

struct pmem_backing {
	const char *path;   /* borrowed */
	int fd;		    /* owned */
	int lock_fd;	    /* owned; -1: no lock, or one of the process (fd:N) */
	uint64_t file_size; /* bytes of the file that are used */
	uint64_t size;	    /* bytes that the guest sees: file_size rounded up to 2 MiB */
	/* The guest stores to [0, writable_size) itself; pmem_backing_store makes its other stores.
	 */
	uint64_t writable_size;
	uint8_t *host; /* owned mapping of size bytes, guest memory */
	bool readonly;
	bool share;
	struct made_file made;
	bool process_lock; /* a lock that ends when this process closes the file anywhere (fd:N) */
};

struct pmem_backing_options {
	const char *path;   /* or fd:N, a descriptor that was passed to us */
	uint64_t size;	    /* bytes, or 0 for the file's own */
	bool readonly;	    /* refuse every store */
	bool share;	    /* else stores stay private to this VM and are forgotten at its end */
	bool unlocked;	    /* nothing keeps other processes from writing to the file */
	bool patient;	    /* wait for a moment for a process that was killed, and has the lock */
	const char *option; /* the option that named the path, for messages; NULL: --pmem */
};

/*
 * Opens and maps. A file that is missing or empty is created with @opt->size bytes, if that is
 * given and the device is writable and shared; it lasts if pmem_backing_keep is called. The file is
 * locked until pmem_backing_close, against everybody if stores reach it, else against those whose
 * stores do. -EBUSY: somebody else's lock excludes this one; other -errno likewise with @err set;
 * then nothing is left open, an existing file is unchanged, and no other is made.
 */
int pmem_backing_open(struct pmem_backing *backing, const struct pmem_backing_options *opt,
		      struct error *err);

/*
 * Descriptors that this process inherited were closed, which ended the lock if one of them was of
 * this file: locks it again. -EBUSY with @err set: somebody else has locked it meanwhile.
 */
int pmem_backing_lock_again(struct pmem_backing *backing, struct error *err);

/* The guest is about to run: a file that was made for it stays when it is closed. */
void pmem_backing_keep(struct pmem_backing *backing);

/* Unmaps and closes; takes a zeroed one. Stores of the guest that were not flushed still reach the
 * file. */
void pmem_backing_close(struct pmem_backing *backing);

/*
 * A store of @len (1 to 8) bytes at @offset >= writable_size: bytes within the file of a writable
 * backing are stored, the others dropped. Returns how many were dropped, or -EIO, and then none was
 * stored for good: the host cannot supply the page.
 */
int pmem_backing_store(struct pmem_backing *backing, uint64_t offset, const void *data,
		       unsigned len);
