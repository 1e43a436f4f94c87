// SPDX-License-Identifier: Apache-2.0
/* QEMU's words for how a VM ended. That the first reason wins is in test_vm_monitor.c. */
#include "vmm/vm/vm_state.h"

#include "tests/support/check.h"

Test(vm_finish, causes)
{
	check_eq(vm_finish_cause(OUTCOME_POWER_OFF), MONITOR_GUEST_SHUTDOWN);
	check_eq(vm_finish_cause(OUTCOME_RESET), MONITOR_GUEST_RESET);
	check_eq(vm_finish_cause(OUTCOME_TRIPLE_FAULT), MONITOR_GUEST_RESET);
	check_eq(vm_finish_cause(OUTCOME_EMULATION), MONITOR_GUEST_RESET);
	check_eq(vm_finish_cause(OUTCOME_QUIT), MONITOR_HOST_UI);
	check_eq(vm_finish_cause(OUTCOME_SIGNAL), MONITOR_HOST_SIGNAL);
	check_eq(vm_finish_cause(OUTCOME_STORAGE_FAULT), MONITOR_HOST_ERROR);
	check_eq(vm_finish_cause(OUTCOME_HOST_ERROR), MONITOR_HOST_ERROR);
}
