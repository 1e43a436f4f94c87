/* SPDX-License-Identifier: Apache-2.0 */
/* The VM as QMP and HMP see it: answers of monitor.h, from the VM's parts. */
#ifndef MVMM_VMM_VM_MONITOR_H
#define MVMM_VMM_VM_MONITOR_H

#include "vmm/base/outcome.h"
#include "vmm/control/monitor.h"

extern const struct monitor_ops vm_monitor_ops;

/* The cause that QEMU would give for a VM that ended by itself with @outcome. */
enum monitor_cause vm_monitor_cause(enum outcome outcome);

#endif
