// SPDX-License-Identifier: Apache-2.0
/* Whose exit status is whose. */
#include "tests/support/check.h"
#include "vmm/base/outcome.h"

Test(outcome, the_guests_numbers_are_nobody_elses)
{
	for (uint64_t status = 0; status < 600; status++)
		check_eq(outcome_is_guests(status), status < 32 || (status >= 64 && status <= 125),
			 "%lu", status);
	check_eq(outcome_is_guests(1ULL << 32), false);
	check_eq(outcome_is_guests(UINT64_MAX), false);
}

Test(outcome, status_and_name)
{
	static const struct {
		enum outcome outcome;
		int code, status;
		const char *name;
	} cases[] = {
		{ OUTCOME_POWER_OFF, 0, 0, "power-off" },
		{ OUTCOME_RESET, 0, 32, "reset" },
		{ OUTCOME_TRIPLE_FAULT, 0, 33, "triple-fault" },
		{ OUTCOME_GUEST_PANIC, 0, 34, "guest-panic" },
		{ OUTCOME_USAGE, 0, 35, "usage" },
		{ OUTCOME_TIMEOUT, 0, 36, "timeout" },
		{ OUTCOME_BAD_STATUS, 0, 37, "bad-status" },
		{ OUTCOME_STORAGE_FAULT, 0, 38, "storage-fault" },
		{ OUTCOME_HOST_ERROR, 0, 39, "host-error" },
		{ OUTCOME_QUIT, 0, 40, "quit" },
		{ OUTCOME_SANDBOX, 0, 41, "sandbox" },
		{ OUTCOME_WATCHDOG, 0, 42, "watchdog" },
		{ OUTCOME_EMULATION, 0, 44, "emulation-failure" },
		{ OUTCOME_SIGNAL, 15, 143, "signal" },
		{ OUTCOME_GUEST_STATUS, 7, 7, "guest-status" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(outcome_status(cases[i].outcome, cases[i].code), cases[i].status);
		cr_assert_str_eq(outcome_name(cases[i].outcome), cases[i].name);
	}
}
