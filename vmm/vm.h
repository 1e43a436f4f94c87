/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composition root: owns the VM's parts, wires them, runs them, takes them down. Start reading
 * at vm_create and vm_run.
 */
#ifndef MVMM_VMM_VM_H
#define MVMM_VMM_VM_H

#include "devices/pmem.h"
#include "vmm/boot_timer.h"
#include "vmm/config.h"
#include "vmm/console_tail.h"
#include "vmm/device_counters.h"
#include "vmm/machine.h"
#include "vmm/outcome.h"

struct vm;
struct result;

/* How often vCPUs left the guest for user space, all of them, by kind and in total. */
struct ready;

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

/*
 * Makes a VM of @machine with empty guest memory. @config, @machine and
 * @timer stay the caller's and must outlive it. -errno with @err set.
 */
int vm_create(const struct config *config, struct machine *machine, struct boot_timer *timer,
	      struct vm **ret_vm, struct error *err);

/* Loads the kernel and what it needs, and readies the first vCPU. -errno with @err set. */
int vm_load(struct vm *vm, struct error *err);

/*
 * Gives up what is not needed to run (sandbox.h). Nothing that is not open can be opened from now
 * on, but for what --sandbox allow= names; @result can be written. -errno with @err set.
 */
int vm_confine(struct vm *vm, const struct result *result, struct error *err);

/* The calling thread, as the event loop's is confined when the guest runs. -errno. */
int vm_confine_thread(const struct vm *vm);

/*
 * Tells @ready and runs the guest until it ends, or is made to; the calling thread becomes the
 * event loop.
 */
void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end);

/*
 * On the event loop's thread: takes all vCPUs out of the guest, and lets them go on. Between the
 * two no guest instruction runs; flushes in flight still complete.
 */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

/* Frees everything but what was borrowed. NULL is allowed. */
void vm_free(struct vm *vm);

#endif
