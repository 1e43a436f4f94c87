/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a configuration asks for, as a snapshot keeps it: section "config". At a restore
 * it is loaded before the command line is read, whose options may then name files, taps and sockets
 * anew. How a run reports, and who controls it, is not in it.
 */
#pragma once

#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"
#include "vmm/config/config.h"

/* Puts the section. @platform is the one that was chosen. @disks are the @n disks of the VM, also
 * those that were plugged, in the order of their slots, each with its address. */
void config_state_save(const struct config *config, enum boot_platform platform,
		       const struct config_pmem *disks, unsigned n, struct state_writer *writer);

/*
 * Fills @config from the section. Strings are kept by @config. Errors are the reader's; what
 * config_parse and the plan of the machine check is checked by them.
 */
void config_state_load(struct config *config, struct state_reader *reader);
