// SPDX-License-Identifier: Apache-2.0
/* Whose exit status is whose. */
#include "tests/check.h"
#include "vmm/outcome.h"

Test(outcome, the_guests_numbers_are_nobody_elses)
{
	for (uint64_t status = 0; status < 600; status++)
		check_eq(outcome_is_guests(status), status < 32 || (status >= 64 && status <= 125),
			 "%lu", status);
	check_eq(outcome_is_guests(1ULL << 32), false);
	check_eq(outcome_is_guests(UINT64_MAX), false);
}
