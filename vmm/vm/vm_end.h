/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ended: of all reasons, the guest's, a signal's, the host's, the first one; and what the
 * VM did until then.
 */
#ifndef MVMM_VMM_VM_END_H
#define MVMM_VMM_VM_END_H

#include "devices/platform/power.h"
#include "devices/virtio/pmem.h"
#include "vmm/base/device_counters.h"
#include "vmm/base/layout.h"
#include "vmm/base/outcome.h"
#include "vmm/config/config.h"
#include "vmm/console/console_tail.h"
#include "vmm/host/signals.h"

struct vm;

/* How often vCPUs left the guest for user space, all of them, by kind and in total. */
struct vm_exits {
	uint64_t mmio, io, interrupted, shutdown, total;
};

/* How it ended, and what it did until then. */
struct vm_end {
	enum outcome outcome;
	int code; /* the signal of OUTCOME_SIGNAL; what the guest chose of _GUEST_STATUS,
		     _BAD_STATUS */
	char detail[512];
	struct vm_exits exits;
	struct {
		char id[CONFIG_ID_MAX + 1];
		struct pmem_counters counters;
	} pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;
	struct device_counters devices[LAYOUT_VIRTIO_SLOTS]; /* those that are no disks */
	unsigned n_devices;
	char console[CONSOLE_TAIL_SIZE + 2]; /* the last lines */
	uint64_t console_dropped;	     /* bytes, in all places together */
};

/* Ends the VM, unless something else has, as struct vm_end will say. From any thread. */
void vm_finish(struct vm *vm, enum outcome outcome, int code, const char *detail);

/* The reasons that come from the guest's registers, and from signals to mvmm. */
extern const struct power_ops vm_power_ops;
extern const struct signals_ops vm_signals_ops;

/* The vCPUs have stopped: adds to vm->end what there is to count, and logs it. */
void vm_end_report(struct vm *vm);

#endif
