// SPDX-License-Identifier: Apache-2.0
/* The number of elements, whatever they are. */
#include "vmm/base/array.h"

#include "tests/support/check.h"

Test(array, counts_elements)
{
	static const char text[] = "abc";
	const struct {
		long a, b;
	} pairs[5] = { 0 };
	int numbers[2][3];

	check_eq(ARRAY_SIZE(text), 4, "with the NUL");
	check_eq(ARRAY_SIZE(pairs), 5);
	check_eq(ARRAY_SIZE(numbers), 2);
	check_eq(ARRAY_SIZE(numbers[0]), 3);
}
