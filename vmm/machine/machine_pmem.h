/* SPDX-License-Identifier: Apache-2.0 */
/* The memory devices of a planned machine: their files opened and their places found. */
#ifndef MVMM_VMM_MACHINE_PMEM_H
#define MVMM_VMM_MACHINE_PMEM_H

#include "vmm/machine/machine.h"

/*
 * Makes room for devices as @config says, and opens and places those that it has, in the next
 * slots. -errno with @err set; what is there by then is for machine_fini_pmem.
 */
int machine_plan_pmem(struct machine *machine, const struct config *config, struct error *err);

/*
 * One more at run time, by the arguments of device_add: opens its file and places it, as
 * machine->pmem[machine->n_pmem - 1] then. Texts in @err are without the name of an option, QEMU's
 * where it has one. -ENODEV: no such backend. -EBUSY: it has a device already, or no slot is free.
 * Other -errno from opening the file and from placement_add. Then nothing has changed.
 */
int machine_plug_pmem(struct machine *machine, const struct keyval *list, unsigned n,
		      struct error *err);

/* Whether a disk of the machine has the file @path already. */
bool machine_uses_file(const struct machine *machine, const char *path);

/* Takes the last one back, if plugging it failed later on: nobody may use its memory any more. */
void machine_unplug_pmem(struct machine *machine);

void machine_fini_pmem(struct machine *machine);

#endif
