/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composition root: owns the VM's parts, wires them and takes them down. Start reading at
 * vm_create; vm_run.h runs it.
 */
#ifndef MVMM_VMM_VM_H
#define MVMM_VMM_VM_H

#include "vmm/config/config.h"
#include "vmm/machine/machine.h"
#include "vmm/wiring/boot_timer.h"

struct vm;
struct result;

/*
 * Makes a VM of @machine with empty guest memory. @config, @machine and
 * @timer stay the caller's and must outlive it. -errno with @err set, which says whether an option
 * is to blame, or else the host.
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

/* Frees everything but what was borrowed. NULL is allowed. */
void vm_free(struct vm *vm);

#endif
