/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ended, by the first reason of the guest, a signal or the host; and what the VM did until
 * then.
 */
#pragma once

#include "devices/platform/power.h"
#include "devices/virtio/pmem.h"
#include "vmm/base/device_counters.h"
#include "vmm/base/layout.h"
#include "vmm/base/outcome.h"
#include "vmm/console/console_tail.h"
#include "vmm/host/launcher.h"
#include "vmm/host/signals.h"
#include "vmm/kvm/vcpu.h"

struct vm;

struct vm_end {
	enum outcome outcome;
	int code; /* the signal of OUTCOME_SIGNAL; what the guest chose of _GUEST_STATUS,
		     _BAD_STATUS */
	char detail[512];
	struct vcpu_exits exits; /* of all vCPUs */
	struct device_counters pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;
	struct device_counters devices[LAYOUT_VIRTIO_SLOTS]; /* all but the disks */
	unsigned n_devices;
	char console[CONSOLE_TAIL_SIZE + 2]; /* the last lines */
	uint64_t console_dropped;	     /* bytes, of all sinks together */
};

/* Handles the guest's power registers, and signals to mvmm. */
extern const struct power_ops vm_power_ops;
extern const struct signals_ops vm_signals_ops;
extern const struct launcher_ops vm_launcher_ops;

/* After the vCPUs have stopped: collects the counts in vm->end, and logs them. */
void vm_end_report(struct vm *vm);
