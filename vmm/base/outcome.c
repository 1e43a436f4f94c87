// SPDX-License-Identifier: Apache-2.0
/* Names and numbers of outcomes. */
#include "vmm/base/outcome.h"

#define FIRST_OF_MVMM 32
#define LAST_OF_MVMM 63
#define FIRST_OF_SHELL 126

bool outcome_is_guests(uint64_t status)
{
	return status < FIRST_OF_MVMM || (status > LAST_OF_MVMM && status < FIRST_OF_SHELL);
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_POWER_OFF] = "power-off",
		[OUTCOME_RESET] = "reset",
		[OUTCOME_TRIPLE_FAULT] = "triple-fault",
		[OUTCOME_GUEST_PANIC] = "guest-panic",
		[OUTCOME_USAGE] = "usage",
		[OUTCOME_TIMEOUT] = "timeout",
		[OUTCOME_BAD_STATUS] = "bad-status",
		[OUTCOME_STORAGE_FAULT] = "storage-fault",
		[OUTCOME_HOST_ERROR] = "host-error",
		[OUTCOME_QUIT] = "quit",
		[OUTCOME_SANDBOX] = "sandbox",
		[OUTCOME_WATCHDOG] = "watchdog",
		[OUTCOME_EMULATION] = "emulation-failure",
		[OUTCOME_SIGNAL] = "signal",
		[OUTCOME_GUEST_STATUS] = "guest-status",
	};

	return names[outcome];
}

int outcome_status(enum outcome outcome, int code)
{
	if (outcome == OUTCOME_GUEST_STATUS)
		return code;
	return outcome == OUTCOME_SIGNAL ? (int)outcome + code : (int)outcome;
}
