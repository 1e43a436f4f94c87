// SPDX-License-Identifier: Apache-2.0
/* Calls write(2) or pwrite(2) until everything is written. */
#include "vmm/base/file_write.h"

#include "vmm/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int file_write_all(int fd, const void *data, size_t size)
{
	const char *rest = data;

	while (size) {
		ssize_t n = write(fd, rest, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest += n;
		size -= (size_t)n;
	}
	return 0;
}

static const char *way_out(int code)
{
	switch (code) {
	case ENOSPC:
		return "; free some space there";
	case EDQUOT:
		return "; free some space there, or raise the quota";
	case EFBIG:
		return "; raise the limit on the size of files (ulimit -f), or choose another file "
		       "system";
	case EFAULT:
		return "; the host cannot supply memory of the guest, whose file was truncated or "
		       "cannot be read";
	default:
		return "";
	}
}

int file_write_at(int fd, uint64_t offset, const void *data, size_t size, const char *what,
		  struct error *err)
{
	const char *rest = data;

	while (size) {
		ssize_t n = pwrite(fd, rest, size, (off_t)offset);
		int code = n < 0 ? errno : EIO;

		if (n < 0 && code == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, code,
					 "%s: cannot write %zu bytes at byte %" PRIu64 ": %s%s",
					 what, size, offset, strerror(code), way_out(code));
		rest += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* Waits for room until @end, in ns of CLOCK_MONOTONIC. -ETIMEDOUT. */
static int await_room(int fd, uint64_t end)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	uint64_t now;

	while ((now = clock_now_ns(CLOCK_MONOTONIC)) < end) {
		const struct timespec left = clock_timespec(end - now);

		if (ppoll(&room, 1, &left, NULL) > 0)
			return 0;
	}
	return -ETIMEDOUT;
}

int file_write_patiently(int fd, const void *data, size_t size, unsigned patience_ms)
{
	uint64_t end = clock_now_ns(CLOCK_MONOTONIC) + patience_ms * 1000000ULL;
	const char *rest = data;

	while (size) {
		ssize_t n;
		int ret = await_room(fd, end);

		if (ret < 0)
			return ret;
		/* A pipe with any room takes this much without blocking. */
		n = write(fd, rest, size < PIPE_BUF ? size : PIPE_BUF);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		rest += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}
