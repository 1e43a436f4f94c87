/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something is told that can happen again and again. A guest may run for months, and its
 * messages must not fill a disk. Both parts take the time from the caller, who owns the clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In any hour, all lines that one budget allows have at most this many bytes together. */
#define LOG_BUDGET_BYTES_AN_HOUR 10240

/* One for each source of lines, zeroed at the start; used by one thread at a time. */
struct log_limit {
	unsigned told;	     /* since the source was last quiet for an hour */
	unsigned suppressed; /* since the last line that was told */
	uint64_t next_ns;    /* no line before this time */
	uint64_t seen_ns;    /* when the source last had a line, told or not */
};

/* For all sources together. Zeroed at the start. */
struct log_budget {
	uint64_t spent_until_ns;
};

/*
 * Whether a line of @limit may be told at @now_ns: the first ten may, then one after 5 s, after
 * another 10 s, 20 s and so on, up to one an hour.
 */
bool log_limit_allows(struct log_limit *limit, uint64_t now_ns);

/* What came of a line: it was told, with the number of those before it, or it was suppressed. */
void log_limit_told(struct log_limit *limit, uint64_t now_ns);
void log_limit_suppressed(struct log_limit *limit);

/* Spends @bytes; false, and nothing is spent, if there are not as many left. */
bool log_budget_spend(struct log_budget *budget, uint64_t now_ns, size_t bytes);
