/* SPDX-License-Identifier: Apache-2.0 */
/* Shows a planned machine without starting it, for --dry-run, --dump-dtb and --dump-acpi. */
#pragma once

#include "vmm/base/error.h"
#include "vmm/machine/machine.h"

#include <stdio.h>

/* Prints memory map, devices and command line. */
void machine_show_plan(const struct machine *machine, FILE *out);

/*
 * Writes the device tree to the file @path, or each ACPI table to a file of its own ("apic.dat") in
 * the directory @dir, which is made if it is missing. -errno with @err set.
 */
int machine_show_dtb(const struct machine *machine, const char *path, struct error *err);
int machine_show_acpi(const struct machine *machine, const char *dir, struct error *err);

/* Loads kernel and initrd into memory of its own, to see whether a run could. */
int machine_show_load(const struct machine *machine, struct error *err);
