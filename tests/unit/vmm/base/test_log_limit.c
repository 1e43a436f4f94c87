// SPDX-License-Identifier: Apache-2.0
/* What is logged of sources that go on for hours; the time is the test's. */
#include "vmm/base/log_limit.h"

#include "tests/support/check.h"
#include "vmm/base/array.h"
#include "vmm/base/clock.h"

TestSuite(log_limit, .timeout = 30);

#define HOUR (3600 * NS_PER_S)

/* Has @limit a line at @now_ns that nothing else suppresses? */
static bool is_logged(struct log_limit *limit, uint64_t now_ns)
{
	if (!log_limit_allows(limit, now_ns)) {
		log_limit_count_suppressed(limit);
		return false;
	}
	log_limit_count_logged(limit, now_ns);
	return true;
}

Test(log_limit, ten_lines_then_ever_fewer)
{
	static const unsigned due_s[] = { 5,   15,   35,   75,	 155,  315,
					  635, 1275, 2555, 5115, 8715, 12315 };
	struct log_limit limit = { 0 };
	const uint64_t start = 1000 * NS_PER_S;
	unsigned next = 0;

	for (unsigned i = 0; i < 10; i++)
		cr_assert(is_logged(&limit, start), "line %u", i);
	for (unsigned s = 0; s <= due_s[ARRAY_SIZE(due_s) - 1]; s++)
		if (is_logged(&limit, start + s * NS_PER_S)) {
			check_eq(s, due_s[next]);
			next++;
		}
	check_eq(next, ARRAY_SIZE(due_s));
}

Test(log_limit, quiet_source_starts_anew)
{
	struct log_limit limit = { 0 };
	uint64_t now = NS_PER_S;

	for (unsigned i = 0; i < 100; i++)
		is_logged(&limit, now);
	check_eq(limit.suppressed, 90);
	/* Silence that is shorter does not count. */
	now += HOUR;
	cr_assert(is_logged(&limit, now));
	cr_assert(!is_logged(&limit, now));
	now += HOUR + 1;
	for (unsigned i = 0; i < 10; i++)
		cr_assert(is_logged(&limit, now), "line %u", i);
	cr_assert(!is_logged(&limit, now));
}

#define SOURCES 6
#define LINE 120
#define SECONDS (24 * 3600)

/* How many bytes were told in each second of a day, by sources that err all the time. */
static unsigned bytes[SECONDS];

/*
 * bad input: Host resources: a guest that makes errors on 6 devices all day -> at most 10 KiB of
 * messages in each hour
 */
Test(log_limit, no_hour_of_a_day_has_more)
{
	struct log_limit limits[SOURCES] = { 0 };
	struct log_budget budget = { 0 };
	unsigned hour = 0, most = 0;

	for (unsigned n = 0; n < 10 * SECONDS; n++) {
		uint64_t now = HOUR + n * (NS_PER_S / 10);
		/* The worst guest falls silent just long enough to be told of again. */
		bool quiet = n / 10 % 4000 < 3601;

		for (unsigned i = 0; i < SOURCES && !quiet; i++)
			if (log_limit_allows(&limits[i], now) &&
			    log_budget_spend(&budget, now, LINE)) {
				log_limit_count_logged(&limits[i], now);
				bytes[n / 10] += LINE;
			}
	}
	for (unsigned s = 0; s < SECONDS; s++) {
		hour += bytes[s];
		if (s >= 3600)
			hour -= bytes[s - 3600];
		most = hour > most ? hour : most;
	}
	cr_assert(most > 1000 && most <= LOG_BUDGET_BYTES_AN_HOUR, "%u bytes", most);
}

/* Whatever the sources are. */
Test(log_limit, budget_has_the_last_word)
{
	struct log_budget budget = { 0 };
	unsigned hour = 0, first = 0;

	/* A question each ms must not make it forget what came back. */
	for (unsigned ms = 0; ms < 3600 * 1000; ms++) {
		if (log_budget_spend(&budget, HOUR + ms * NS_PER_MS, LINE))
			hour += LINE;
		if (ms == 0)
			while (log_budget_spend(&budget, HOUR, LINE))
				first += LINE;
	}
	cr_assert(first <= LOG_BUDGET_BYTES_AN_HOUR / 2 &&
			  first > LOG_BUDGET_BYTES_AN_HOUR / 2 - 3 * LINE,
		  "%u", first);
	hour += first;
	cr_assert(hour <= LOG_BUDGET_BYTES_AN_HOUR && hour > LOG_BUDGET_BYTES_AN_HOUR - 3 * LINE,
		  "%u", hour);
}
