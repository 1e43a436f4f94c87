// SPDX-License-Identifier: Apache-2.0
/* Bounded, read-only access to the files that a guest starts from. */
#include "boot/input_file.h"

#include "vmm/base/aligned_map.h"
#include "vmm/base/file_argument.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_or_take(const char *what, const char *path, struct error *err)
{
	int fd;

	if (file_argument_is_fd(path))
		return file_argument_take(what, path, O_RDONLY, err);
	/* O_NONBLOCK: a FIFO must be refused later, not waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? error_system(err, errno, "%s '%s': cannot open", what, path) : fd;
}

int input_file_open(struct input_file *file, const char *what, const char *path, struct error *err)
{
	int fd = open_or_take(what, path, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		int code = errno;

		close(fd);
		return error_system(err, code, "%s '%s'", what, path);
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		return error_set(err, EINVAL, "%s '%s': %s; give a file with contents", what, path,
				 S_ISREG(st.st_mode) ? "is empty" : "is not a regular file");
	}
	*file = (struct input_file){ fd, what, path, (uint64_t)st.st_size };
	return 0;
}

void input_file_close(struct input_file *file)
{
	if (file->size)
		close(file->fd);
	*file = (struct input_file){ 0 };
}

int input_file_read(const struct input_file *file, uint64_t off, void *buf, size_t len,
		    struct error *err)
{
	uint8_t *to = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(file->fd, to + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_system(err, errno, "%s '%s': cannot read", file->what,
					    file->path);
		if (n == 0)
			return error_set(err, EINVAL,
					 "%s '%s': ends at byte %" PRIu64
					 ", but %zu more bytes are needed; is the file complete?",
					 file->what, file->path, off + done, len - done);
		done += (size_t)n;
	}
	return 0;
}

/*
 * Half the time of a load is page faults. Huge pages, where @len bytes fill them, have few, and use
 * no more memory; a host that has none is as slow as without.
 */
static void prefer_huge_pages(uint8_t *to, uint64_t len)
{
	uint64_t before = -(uintptr_t)to & (ALIGNED_MAP_ALIGN - 1);
	uint64_t whole = before < len ? (len - before) & ~(ALIGNED_MAP_ALIGN - 1) : 0;

	if (whole)
		madvise(to + before, whole, MADV_HUGEPAGE);
}

int input_file_load(const struct input_file *file, uint64_t off, uint64_t len,
		    const struct guest_memory *mem, gpa_t addr, struct error *err)
{
	void *to = guest_memory_ram(mem, addr, len);

	if (!to)
		return error_set(err, E2BIG,
				 "%s '%s': %" PRIu64 " bytes at 0x%" PRIx64 " lie outside RAM;"
				 " give more --memory",
				 file->what, file->path, len, addr.value);
	prefer_huge_pages(to, len);
	return input_file_read(file, off, to, len, err);
}
