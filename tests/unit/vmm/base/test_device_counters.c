// SPDX-License-Identifier: Apache-2.0
/* Numbers of a structure by their names. */
#include "vmm/base/device_counters.h"

#include "tests/support/check.h"

TestSuite(device_counters, .timeout = 10);

struct state {
	uint64_t untold, first, second;
};

static const struct device_counter table[] = {
	{ "second", offsetof(struct state, second) },
	{ "first", offsetof(struct state, first) },
	{ NULL, 0 },
};

Test(device_counters, in_the_order_of_the_table)
{
	static const struct state state = { 1, 2, UINT64_MAX };
	struct device_counters c = { .n = 3 };

	device_counters_read(&c, "a-name-of-thirty-two-characters-", table, &state);
	check_str(c.id, "a-name-of-thirty-two-characters");
	check_eq(c.n, 2);
	check_str(c.list[0].name, "second");
	check_eq(c.list[0].value, UINT64_MAX);
	check_str(c.list[1].name, "first");
	check_eq(c.list[1].value, 2);
}

Test(device_counters, by_name)
{
	static const struct state state = { 1, 2, 3 };
	struct device_counters c;

	device_counters_read(&c, "x", table, &state);
	check_eq(device_counters_get(&c, "first"), 2);
	check_eq(device_counters_get(&c, "second"), 3);
}
