// SPDX-License-Identifier: Apache-2.0
/* Decides which lines are logged; log_limit.h says by which rule. */
#include "vmm/base/log_limit.h"

#include "vmm/base/clock.h"

#define HOUR_NS (3600 * NS_PER_S)
#define FIRST_LINES 10
#define FIRST_DELAY_NS (5 * NS_PER_S)

bool log_limit_allows(struct log_limit *limit, uint64_t now_ns)
{
	if (now_ns - limit->seen_ns > HOUR_NS)
		limit->logged = 0;
	limit->seen_ns = now_ns;
	return limit->logged < FIRST_LINES || now_ns >= limit->next_ns;
}

void log_limit_count_logged(struct log_limit *limit, uint64_t now_ns)
{
	uint64_t delay = FIRST_DELAY_NS;

	limit->suppressed = 0;
	for (unsigned n = FIRST_LINES; n <= limit->logged && delay < HOUR_NS; n++)
		delay *= 2;
	limit->logged++;
	limit->next_ns = now_ns + (delay < HOUR_NS ? delay : HOUR_NS);
}

void log_limit_count_suppressed(struct log_limit *limit)
{
	limit->suppressed++;
}

/*
 * Half of an hour's bytes can be spent at once, and the same number comes back in an hour. So no
 * hour has more than both. A byte costs the time in which it comes back.
 */
bool log_budget_spend(struct log_budget *budget, uint64_t now_ns, size_t bytes)
{
	uint64_t cost = bytes * (HOUR_NS / (LOG_BUDGET_BYTES_AN_HOUR / 2));
	uint64_t spent = budget->spent_until_ns > now_ns ? budget->spent_until_ns - now_ns : 0;

	if (spent + cost > HOUR_NS)
		return false;
	budget->spent_until_ns = now_ns + spent + cost;
	return true;
}
