// SPDX-License-Identifier: Apache-2.0
/* Ends a VM, and gives the reason in QEMU's words. */
#include "vmm/vm/vm_state.h"

#include <string.h>

void vm_finish(struct vm *vm, enum outcome outcome, int code, const char *detail)
{
	if (__atomic_exchange_n(&vm->ended, true, __ATOMIC_ACQ_REL))
		return;
	vm->end.outcome = outcome;
	vm->end.code = code;
	strncpy(vm->end.detail, detail, sizeof(vm->end.detail) - 1);
	event_loop_stop(&vm->loop);
}

enum monitor_cause vm_finish_cause(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_POWER_OFF:
	case OUTCOME_GUEST_STATUS:
	case OUTCOME_BAD_STATUS:
		return MONITOR_GUEST_SHUTDOWN;
	case OUTCOME_RESET:
	case OUTCOME_TRIPLE_FAULT:
	case OUTCOME_WATCHDOG:
	case OUTCOME_EMULATION:
		return MONITOR_GUEST_RESET;
	case OUTCOME_GUEST_PANIC:
		return MONITOR_GUEST_PANIC;
	case OUTCOME_QUIT:
		return MONITOR_HOST_UI;
	case OUTCOME_SIGNAL:
		return MONITOR_HOST_SIGNAL;
	default:
		return MONITOR_HOST_ERROR;
	}
}
