// SPDX-License-Identifier: Apache-2.0
/* A structure is found by each of its members. */
#include "vmm/base/container_of.h"

#include "tests/support/check.h"

struct inner {
	int value;
};

struct outer {
	char first;
	struct inner plain;
	struct inner several[3];
};

Test(container_of, finds_the_structure_by_each_member)
{
	struct outer outer[2] = { 0 };

	check_eq(container_of(&outer[1].first, struct outer, first) == &outer[1], true);
	check_eq(container_of(&outer[1].plain, struct outer, plain) == &outer[1], true);
	check_eq(container_of(&outer[1].several[2], struct outer, several[2]) == &outer[1], true);
}

Test(container_of, takes_an_expression)
{
	struct outer outer[2] = { 0 };
	struct inner *members[] = { &outer[0].plain, &outer[1].plain };
	unsigned i = 0;

	/* Once only, although the macro names it several times. */
	check_eq(container_of(members[++i], struct outer, plain) == &outer[1], true);
	check_eq(i, 1);
}
