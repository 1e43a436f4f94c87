// SPDX-License-Identifier: Apache-2.0
/* Writes the log; log.h says who may call it. */
#include "vmm/base/log.h"

#include "vmm/base/clock.h"
#include "vmm/base/line.h"
#include "vmm/base/log_json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 1024

static enum log_level threshold = LOG_LEVEL_WARNING;
static bool json;
static char name[LOG_NAME_MAX + 1];
static char prefix[sizeof("mvmm: : ") + LOG_NAME_MAX] = "mvmm: ";
static pthread_mutex_t limited = PTHREAD_MUTEX_INITIALIZER;
static struct log_budget budget;  /* of all guest-caused lines; under the lock */
static uint64_t suppressed_lines; /* since they were last reported; likewise */

void log_set_format(enum log_format format)
{
	json = format == LOG_FORMAT_JSON;
}

bool log_is_json(void)
{
	return json;
}

void log_set_name(const char *vm_name)
{
	snprintf(name, sizeof(name), "%s", vm_name);
	snprintf(prefix, sizeof(prefix), "mvmm: %s: ", name);
}

const char *log_prefix(void)
{
	return prefix;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_make_printable(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
}

/*
 * The reader of standard error, or of a pipe that the console shares with it, may have stopped
 * reading. The first line waits a little for the reader; the next ones are lost at once, until the
 * reader goes on.
 */
static bool has_room(void)
{
	static bool stuck;
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	long ms = __atomic_load_n(&stuck, __ATOMIC_RELAXED) ? 0 : LOG_PATIENCE_MS;
	const struct timespec patience = clock_timespec(ms * NS_PER_MS);
	int ready;

	do {
		ready = ppoll(&fd, 1, &patience, NULL);
	} while (ready < 0 && errno == EINTR);
	__atomic_store_n(&stuck, ready == 0, __ATOMIC_RELAXED);
	return ready != 0;
}

void log_write(const char *bytes, size_t len)
{
	/* If standard error itself cannot be written to, there is nowhere to report that. */
	if (has_room() && write(STDERR_FILENO, bytes, len) < 0)
		return;
}

static size_t render_json(char *line, enum log_level level, const char *text)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return log_json_line(line, &now, levels[level], *name ? name : NULL, text);
}

/* Makes a whole line, with its newline, in @bytes, of LOG_JSON_SIZE. Its length. */
static size_t render(char *bytes, enum log_level level, const char *text)
{
	static const char *const urgency[] = { "", "warning: ", "", "debug: " };
	/* With room for the newline. */
	struct line line = { .text = bytes, .size = LINE_SIZE - 2 };

	if (json)
		return render_json(bytes, level, text);
	line_append(&line, prefix);
	line_append(&line, urgency[level]);
	line_append(&line, text);
	log_make_printable(line.text, line.len);
	line.text[line.len++] = '\n';
	return line.len;
}

/* Safe in a signal handler. */
static void write_text(enum log_level level, const char *text)
{
	char line[LOG_JSON_SIZE];

	log_write(line, render(line, level, text));
}

static void log_line(enum log_level level, const char *fmt, va_list args)
{
	char text[LINE_SIZE];

	if (level <= threshold && vsnprintf(text, sizeof(text), fmt, args) >= 0)
		write_text(level, text);
}

void log_always(const char *fmt, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) >= 0)
		write_text(LOG_LEVEL_INFO, text);
	va_end(args);
}

void log_error_in_signal(const char *text)
{
	write_text(LOG_LEVEL_ERROR, text);
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		log_line(level, fmt, args);                                                        \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

/* Writes @text, of LINE_SIZE bytes, if it fits into the budget; @limit allows it. */
static bool log_within_limit(struct log_limit *limit, bool budgeted, uint64_t now, char *text)
{
	char line[LOG_JSON_SIZE];
	size_t len = strlen(text);

	if (limit->suppressed)
		snprintf(text + len, LINE_SIZE - len, " (%u lines like this one were suppressed)",
			 limit->suppressed);
	len = render(line, LOG_LEVEL_WARNING, text);
	if (budgeted && !log_budget_spend(&budget, now, len))
		return false;
	suppressed_lines -= limit->suppressed;
	log_limit_count_logged(limit, now);
	log_write(line, len);
	return true;
}

static void log_limited(struct log_limit *limit, bool budgeted, const char *fmt, va_list args)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);
	char text[LINE_SIZE];

	if (LOG_LEVEL_WARNING > threshold || vsnprintf(text, sizeof(text), fmt, args) < 0)
		return;
	pthread_mutex_lock(&limited);
	if (!log_limit_allows(limit, now) || !log_within_limit(limit, budgeted, now, text)) {
		log_limit_count_suppressed(limit);
		suppressed_lines++;
	}
	pthread_mutex_unlock(&limited);
}

void log_guest(struct log_limit *limit, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_limited(limit, true, fmt, args);
	va_end(args);
}

void log_host_fault(struct log_limit *limit, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_limited(limit, false, fmt, args);
	va_end(args);
}

void log_report_suppressed(void)
{
	uint64_t n;

	pthread_mutex_lock(&limited);
	n = suppressed_lines;
	suppressed_lines = 0;
	pthread_mutex_unlock(&limited);
	if (n)
		log_warning("%" PRIu64 " more messages about the guest or clients were suppressed",
			    n);
}
