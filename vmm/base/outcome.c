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
	switch (outcome) {
	case OUTCOME_POWER_OFF:
		return "power-off";
	case OUTCOME_RESET:
		return "reset";
	case OUTCOME_TRIPLE_FAULT:
		return "triple-fault";
	case OUTCOME_GUEST_PANIC:
		return "guest-panic";
	case OUTCOME_USAGE:
		return "usage";
	case OUTCOME_TIMEOUT:
		return "timeout";
	case OUTCOME_BAD_STATUS:
		return "bad-status";
	case OUTCOME_STORAGE_FAULT:
		return "storage-fault";
	case OUTCOME_HOST_ERROR:
		return "host-error";
	case OUTCOME_QUIT:
		return "quit";
	case OUTCOME_SANDBOX:
		return "sandbox";
	case OUTCOME_WATCHDOG:
		return "watchdog";
	case OUTCOME_SIGNAL:
		return "signal";
	case OUTCOME_GUEST_STATUS:
		return "guest-status";
	}
	return "unknown";
}

int outcome_status(enum outcome outcome, int code)
{
	if (outcome == OUTCOME_GUEST_STATUS)
		return code;
	return outcome == OUTCOME_SIGNAL ? (int)outcome + code : (int)outcome;
}
