/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the person who runs mvmm, on standard error. Only main, vm and control log what failed;
 * everything below returns an error. A line that a guest can cause goes through log_guest, which
 * is limited in rate, so that a guest can neither flood a disk nor slow the event loop.
 */
#ifndef MVMM_VMM_LOG_H
#define MVMM_VMM_LOG_H

#include <stddef.h>
#include <stdint.h>

/* How long a line waits for a reader who does not read, in ms; then it is lost. */
#define LOG_PATIENCE_MS 250

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines less urgent than @level are dropped; the level is LOG_LEVEL_WARNING before the first call.
 */
void log_set_level(enum log_level level);

/*
 * Each writes one line, "mvmm: " and the text, in a single write(2). Safe from any thread, none of
 * which it holds up for long: what nobody reads is lost.
 */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes @bytes as they are, whatever the level; safe in a signal handler, too. */
void log_write(const char *bytes, size_t len);

/* One for each source of guest-caused lines, zeroed at the start; used by one thread at a time. */
struct log_limit {
	uint64_t window_start_ns;
	unsigned printed;
	unsigned suppressed;
};

/*
 * Like log_warning, for what a guest did: at most ten lines in five seconds for each @limit, and
 * the first line of the next five seconds says how many were left out.
 */
void log_guest(struct log_limit *limit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
