/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composition root: owns the VM's parts, connects them and frees them. Start reading at
 * vm_create; vm_run.h runs the VM.
 */
#pragma once

#include "vmm/config/config.h"
#include "vmm/machine/machine.h"
#include "vmm/wiring/boot_timer.h"

struct vm;
struct result;

/*
 * Makes a VM of @machine with empty guest memory. @config, @machine and @timer stay the caller's
 * and must outlive it. -errno with @err set, which also says whether an option or the host is at
 * fault.
 */
int vm_create(const struct config *config, struct machine *machine, struct boot_timer *timer,
	      struct vm **ret_vm, struct error *err);

/* Loads the kernel and what it needs, and prepares the first vCPU. -errno with @err set. */
int vm_load(struct vm *vm, struct error *err);

/*
 * Gives up what is not needed to run (sandbox.h). From now on nothing new can be opened except
 * files that --sandbox allow= names; @result can be written. -errno with @err set.
 */
int vm_confine(struct vm *vm, const struct result *result, struct error *err);

/* Confines the calling thread as the event loop's. -errno. */
int vm_confine_thread(const struct vm *vm);

/* Frees everything but what was borrowed. NULL is allowed. */
void vm_free(struct vm *vm);
