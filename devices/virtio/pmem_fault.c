// SPDX-License-Identifier: Apache-2.0
/* Finds out why a page of a file cannot be had. Start reading at pmem_fault_at. */
#include "devices/virtio/pmem_fault.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A block device neither shrinks nor is full, so only a read shows the error. */
static bool is_regular(const struct pmem_backing *b, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(b->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_size = (uint64_t)st.st_size;
	return true;
}

/*
 * Allocating the page is what the store would have had to do. Where the file system cannot do that
 * by itself, or the page is there but copied when it is stored to, a full file system is the cause.
 */
static int lack_of_room(const struct pmem_backing *b, uint64_t page)
{
	struct statvfs fs;

	if (!b->share || b->readonly)
		return 0;
	if (fallocate(b->fd, FALLOC_FL_KEEP_SIZE, (off_t)page, LAYOUT_PAGE) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR)
		return errno;
	return fstatvfs(b->fd, &fs) == 0 && fs.f_blocks && !fs.f_bavail ? ENOSPC : 0;
}

int pmem_fault_at(const struct pmem_backing *backing, uint64_t offset)
{
	uint64_t page = offset & ~(LAYOUT_PAGE - 1), size;
	bool regular = is_regular(backing, &size);
	char byte;

	if (regular && page >= size)
		return ENODATA;
	if (pread(backing->fd, &byte, 1, (off_t)page) < 0)
		return errno;
	return regular ? lack_of_room(backing, page) : 0;
}

int pmem_fault_anywhere(const struct pmem_backing *backing)
{
	uint64_t size;
	off_t hole;

	if (!is_regular(backing, &size))
		return 0;
	if (size < backing->file_size)
		return ENODATA;
	/* A file without holes needs no more room. */
	hole = lseek(backing->fd, 0, SEEK_HOLE);
	if (hole < 0 || (uint64_t)hole >= backing->file_size)
		return 0;
	return lack_of_room(backing, (uint64_t)hole);
}

const char *pmem_fault_text(int cause)
{
	if (cause == ENODATA)
		return "the file was truncated";
	return cause ? strerror(cause) : "the host does not say why";
}
