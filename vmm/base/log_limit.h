/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something is logged that can happen again and again. A guest may run for months, and
 * its messages must not fill a disk. Both parts take the time from the caller, who owns the clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In any hour, all lines that one budget allows have at most this many bytes together. */
#define LOG_BUDGET_BYTES_AN_HOUR 10240

/* One for each source of lines, zeroed at the start; used by one thread at a time. */
struct log_limit {
	unsigned logged;     /* since the source was last quiet for an hour */
	unsigned suppressed; /* since the last line that was logged */
	uint64_t next_ns;    /* no line before this time */
	uint64_t seen_ns;    /* when the source last had a line, logged or not */
};

/* For all sources together. Zeroed at the start. */
struct log_budget {
	uint64_t spent_until_ns;
};

/*
 * Whether a line of @limit may be logged at @now_ns: the first ten may, then one after 5 s, after
 * another 10 s, 20 s and so on, up to one an hour.
 */
bool log_limit_allows(struct log_limit *limit, uint64_t now_ns);

/*
 * Counts a line by what came of it: it was logged, together with the number of those that were
 * suppressed before it, or it was suppressed itself.
 */
void log_limit_count_logged(struct log_limit *limit, uint64_t now_ns);
void log_limit_count_suppressed(struct log_limit *limit);

/* Spends @bytes; false, and nothing is spent, if there are not as many left. */
bool log_budget_spend(struct log_budget *budget, uint64_t now_ns, size_t bytes);
