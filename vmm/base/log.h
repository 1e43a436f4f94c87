/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the person who runs mvmm, on standard error. Only main, vm and control log failures;
 * the code below them returns errors. A line that a guest can cause goes through log_guest, which
 * has a limit, so that a guest can neither fill a disk nor slow down the event loop.
 */
#pragma once

#include "vmm/base/log_limit.h"

#include <stdbool.h>
#include <stddef.h>

/* How long a line waits if the reader does not read, in ms. After that it is lost. */
#define LOG_PATIENCE_MS 250

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* JSON: each line is an object with time, level, name and message (log_json.h). */
void log_set_format(enum log_format format);
bool log_is_json(void);

#define LOG_NAME_MAX 64

/* From now on each line names the VM: @vm_name, of at most LOG_NAME_MAX printable characters. */
void log_set_name(const char *vm_name);

/* Lines less urgent than @level are discarded; it is LOG_LEVEL_WARNING before the first call. */
void log_set_level(enum log_level level);

/*
 * Each writes one line, "mvmm: ", perhaps the VM's name, and the text, in a single write(2). Safe
 * from any thread, and holds none up for long: if nobody reads, the line is lost.
 */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Like log_error, but safe in a signal handler, too: it formats nothing. */
void log_error_in_signal(const char *text);

/* Like log_info, whatever the level. */
void log_always(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes @bytes unchanged, whatever the level. Safe in a signal handler, too. */
void log_write(const char *bytes, size_t len);

/* What lines begin with: "mvmm: " or "mvmm: NAME: ". */
const char *log_prefix(void);

/*
 * Like log_warning, for what a guest or a client did, from any thread. A source that goes on is
 * told of ever more rarely, as @limit says, and all of these lines together have at most
 * LOG_BUDGET_BYTES_AN_HOUR. A line says how many like it were suppressed before.
 */
void log_guest(struct log_limit *limit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Likewise, for a fault of the host that can recur for each request of a guest. It has a @limit of
 * its own and spends nothing of the budget, so that no guest can hide it.
 */
void log_host_fault(struct log_limit *limit, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* At the end: says how many lines were suppressed and not told of since. */
void log_report_suppressed(void);

/* So that a file's name, for example, stays in its line and does not move a terminal's cursor. */
void log_make_printable(char *text, size_t len);
