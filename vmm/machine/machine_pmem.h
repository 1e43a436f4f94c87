/* SPDX-License-Identifier: Apache-2.0 */
/* The memory devices of a planned machine: opens their files and places them. */
#pragma once

#include "vmm/machine/machine.h"

/*
 * Reserves address space as @config says, and opens and places its disks, in the next slots. -errno
 * with @err set; machine_fini_pmem frees what exists by then.
 */
int machine_plan_pmem(struct machine *machine, const struct config *config, struct error *err);

/*
 * Opens and places one more disk at run time, machine->pmem[machine->n_pmem - 1] then. Texts in
 * @err are without the name of an option, and QEMU's if it has one. -ENODEV: no such backend.
 * -EBUSY: it has a device already, or no slot is free. Other -errno from opening the file and from
 * placement_add. After an error nothing has changed.
 */
int machine_plug_pmem(struct machine *machine, const struct memory_device *device,
		      struct error *err);

/* Describes disk @i so that a restored machine has the same one; strings are borrowed. */
void machine_describe_pmem(const struct machine *machine, unsigned i, struct config_pmem *ret);

/* Whether a disk of the machine uses the file @path already. */
bool machine_uses_file(const struct machine *machine, const char *path);

/* Removes the last disk, if plugging it failed later: nobody may use its memory any more. */
void machine_unplug_pmem(struct machine *machine);

void machine_fini_pmem(struct machine *machine);
