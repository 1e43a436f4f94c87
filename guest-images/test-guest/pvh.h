/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another machine to run in: QEMU's, entered by the PVH protocol, with devices on PCI. Only for
 * comparisons; the tests themselves are for mvmm.
 */
#pragma once

#include "machine.h"

#include <stdbool.h>

/* Whether this is how the guest was entered: entry.S has kept what it was given. */
bool pvh_entered(void);

/* The same as a zero page: the command line, nothing else. */
const struct boot_params *pvh_params(void);

/* A PC with one CPU and QEMU's isa-debug-exit at its usual port. */
void pvh_machine(struct machine *ret_machine);
