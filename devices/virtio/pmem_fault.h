/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the host cannot supply a page of a pmem device's file. A fault does not say, so the file is
 * asked: its size, a byte of the page, room for it. All of it may wait for storage, hence it is for
 * the vCPU's thread, which waits anyway. Start reading at pmem_fault_at.
 */
#pragma once

#include "devices/virtio/pmem_backing.h"

/*
 * The cause for the page at @offset: ENODATA where the file was truncated, ENOSPC or EDQUOT where a
 * store finds no room, the error of reading it, usually EIO, or 0 if nothing shows.
 */
int pmem_fault_at(const struct pmem_backing *backing, uint64_t offset);

/* The same if the page is not known: checks only what needs no read of the whole file. */
int pmem_fault_anywhere(const struct pmem_backing *backing);

/* The cause in words; static. */
const char *pmem_fault_text(int cause);
