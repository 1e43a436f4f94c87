// SPDX-License-Identifier: Apache-2.0
/* Bytes that grow, up to a limit and back. */
#include "vmm/base/buffer.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdint.h>

TestSuite(buffer, .timeout = 10);

static struct buffer buffer;

Test(buffer, empty)
{
	check_str(buffer_text(&buffer), "");
	check_eq(buffer_append(&buffer, NULL, 0), 0);
	check_eq(buffer.len, 0);
	check_str(buffer_text(&buffer), "");
	buffer_reset(&buffer);
	buffer_fini(&buffer);
	buffer_fini(&buffer);
}

Test(buffer, appends_and_formats)
{
	check_eq(buffer_append(&buffer, "a\0b", 3), 0);
	check_eq(buffer.len, 3);
	check_eq(memcmp(buffer_text(&buffer), "a\0b", 4), 0, "with a NUL behind it");
	check_eq(buffer_printf(&buffer, "%s=%d", "x", -5), 0);
	check_eq(buffer.len, 7);
	check_eq(buffer_printf(&buffer, "%s", ""), 0);
	check_eq(buffer.len, 7);
	check_str(buffer_text(&buffer) + 2, "bx=-5");
	buffer_fini(&buffer);
}

/* Every length, so that each end of an allocation is met, by all three ways of adding. */
Test(buffer, grows)
{
	static char expected[3000];
	size_t len = 0;

	while (len < 2000) {
		check_eq(buffer_append(&buffer, "a", 1), 0);
		cr_assert(buffer.len < buffer.capacity);
		expected[len++] = 'a';
		check_str(buffer_text(&buffer), expected);
		check_eq(buffer_printf(&buffer, "%c", 'b'), 0);
		expected[len++] = 'b';
		check_str(buffer_text(&buffer), expected);
		check_eq(buffer_append_crlf(&buffer, "\n", 1), 0);
		expected[len++] = '\r';
		expected[len++] = '\n';
		check_str(buffer_text(&buffer), expected);
		check_eq(buffer.len, len);
		cr_assert(buffer.len < buffer.capacity, "there is room for the NUL");
	}
	buffer_fini(&buffer);
}

Test(buffer, lines)
{
	check_eq(buffer_append_crlf(&buffer, "\na\n\nb", 5), 0);
	check_str(buffer_text(&buffer), "\r\na\r\n\r\nb");
	check_eq(buffer_append_crlf(&buffer, "", 0), 0);
	check_eq(buffer.len, 8);
	buffer_fini(&buffer);
}

/* All or nothing. */
Test(buffer, limit)
{
	static const char some[8];
	volatile size_t endless = SIZE_MAX; /* unknown to the compiler, which would warn */

	buffer.limit = 8;
	check_eq(buffer_append(&buffer, some, endless), -ENOSPC);
	check_eq(buffer_append(&buffer, "123456789", 9), -ENOSPC);
	check_eq(buffer.len, 0);
	check_eq(buffer_append(&buffer, "12345", 5), 0);
	check_eq(buffer_append(&buffer, "6789", 4), -ENOSPC);
	check_eq(buffer_append(&buffer, some, endless - 1), -ENOSPC, "the sum wraps");
	check_eq(buffer_printf(&buffer, "%d", 6789), -ENOSPC);
	check_eq(buffer_append_crlf(&buffer, "6\n8", 3), -ENOSPC, "it takes four");
	check_str(buffer_text(&buffer), "12345");
	check_eq(buffer_append_crlf(&buffer, "6\n", 2), 0);
	check_str(buffer_text(&buffer), "123456\r\n");
	check_eq(buffer_append(&buffer, "", 0), 0);
	check_eq(buffer_append(&buffer, "9", 1), -ENOSPC);
	buffer_fini(&buffer);
	check_eq(buffer.limit, 8, "it stays");
	check_eq(buffer_append(&buffer, "123456789", 9), -ENOSPC);
}

/* Several buffers share one, which gets back what they no longer use. */
Test(buffer, budget)
{
	static const char much[100000];
	struct buffer_budget budget = { .limit = 300000 };
	struct buffer other = { .budget = &budget }, third = { .budget = &budget };

	buffer.budget = &budget;
	check_eq(buffer_append(&third, much, BUFFER_SMALL - 1), 0);
	check_eq(budget.spent, 0, "a small one is free");
	check_eq(buffer_append(&buffer, much, sizeof(much)), 0);
	check_eq(budget.spent, buffer.capacity);
	check_eq(buffer_append(&other, much, sizeof(much)), 0);
	check_eq(budget.spent, buffer.capacity + other.capacity);
	check_eq(buffer_append(&third, much, sizeof(much)), -EDQUOT);
	check_eq(third.len, BUFFER_SMALL - 1);
	check_eq(budget.spent, buffer.capacity + other.capacity);
	buffer_reset(&other);
	check_eq(budget.spent, buffer.capacity);
	check_eq(buffer_append(&third, much, sizeof(much)), 0);
	buffer_fini(&third);
	check_eq(budget.spent, buffer.capacity);
	check_eq(buffer_append(&third, much, sizeof(much)), 0, "the budget stays");
	check_eq(budget.spent, buffer.capacity + third.capacity);
	buffer_fini(&third);
	buffer_fini(&buffer);
	check_eq(budget.spent, 0);
}

/* A limit that is no power of two costs no more than it says. */
Test(buffer, capacity_is_limited)
{
	static const char much[100000];

	buffer.limit = sizeof(much);
	check_eq(buffer_append(&buffer, much, 50000), 0);
	check_eq(buffer_append(&buffer, much, 50000), 0);
	check_eq(buffer.capacity, sizeof(much) + 1);
	check_eq(buffer_text(&buffer)[sizeof(much)], '\0');
	buffer_fini(&buffer);
}

/* Who once sent much does not keep it for ever, and for little nothing is allocated anew. */
Test(buffer, reset)
{
	static const char much[100000];
	const char *data;

	check_eq(buffer_append(&buffer, "abc", 3), 0);
	data = buffer.data;
	buffer_reset(&buffer);
	check_eq(buffer.len, 0);
	check_str(buffer_text(&buffer), "");
	cr_assert(buffer.data == data);
	check_eq(buffer_append(&buffer, "d", 1), 0);
	check_str(buffer_text(&buffer), "d");
	check_eq(buffer_append(&buffer, much, sizeof(much)), 0);
	buffer_reset(&buffer);
	cr_assert(buffer.capacity < sizeof(much));
	check_str(buffer_text(&buffer), "");
	check_eq(buffer_append(&buffer, "e", 1), 0);
	check_str(buffer_text(&buffer), "e");
	buffer_fini(&buffer);
	check_str(buffer_text(&buffer), "");
}
