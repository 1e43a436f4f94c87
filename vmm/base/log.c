// SPDX-License-Identifier: Apache-2.0
/* Writes the log; log.h says who may call it. */
#include "vmm/base/log.h"

#include "vmm/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define LIMIT_WINDOW_NS (5ULL * 1000 * 1000 * 1000)
#define LIMIT_LINES 10

static enum log_level threshold = LOG_LEVEL_WARNING;

void log_set_level(enum log_level level)
{
	threshold = level;
}

/* What is in a file's name, say, stays within its line, and moves no terminal's cursor. */
static void make_printable(char *text, int len)
{
	for (int i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
}

/*
 * Whoever reads standard error, or the console that shares a pipe with it, may have stopped
 * reading. The first line waits for him a little, those behind it not at all, until he goes on.
 */
static bool has_room(void)
{
	static bool stuck;
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	long ms = __atomic_load_n(&stuck, __ATOMIC_RELAXED) ? 0 : LOG_PATIENCE_MS;
	const struct timespec patience = { .tv_nsec = ms * 1000000 };
	int ready;

	do {
		ready = ppoll(&fd, 1, &patience, NULL);
	} while (ready < 0 && errno == EINTR);
	__atomic_store_n(&stuck, ready == 0, __ATOMIC_RELAXED);
	return ready != 0;
}

void log_write(const char *bytes, size_t len)
{
	/* There is nobody to tell when standard error itself cannot be written. */
	if (has_room() && write(STDERR_FILENO, bytes, len) < 0)
		return;
}

static void write_line(enum log_level level, const char *fmt, va_list args)
{
	static const char *const prefix[] = { "mvmm: ", "mvmm: warning: ", "mvmm: ",
					      "mvmm: debug: " };
	char line[1024];
	int used, n;

	if (level > threshold)
		return;
	used = snprintf(line, sizeof(line) - 1, "%s", prefix[level]);
	n = vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, fmt, args);
	if (n < 0)
		return;
	used += n;
	if (used > (int)sizeof(line) - 2)
		used = (int)sizeof(line) - 2;
	make_printable(line, used);
	line[used++] = '\n';
	log_write(line, (size_t)used);
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		write_line(level, fmt, args);                                                      \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_guest(struct log_limit *limit, const char *fmt, ...)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);
	va_list args;

	if (!limit->window_start_ns || now - limit->window_start_ns > LIMIT_WINDOW_NS) {
		if (limit->suppressed)
			log_warning("%u more lines like the following were left out",
				    limit->suppressed);
		*limit = (struct log_limit){ .window_start_ns = now };
	}
	if (limit->printed == LIMIT_LINES) {
		limit->suppressed++;
		return;
	}
	limit->printed++;
	va_start(args, fmt);
	write_line(LOG_LEVEL_WARNING, fmt, args);
	va_end(args);
}
