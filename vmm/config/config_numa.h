/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA nodes on the command line; for the table in config.c. */
#pragma once

#include "vmm/config/config_options.h"

extern const struct property config_numa_properties[];

/* --numa. -errno with @err set. */
int config_add_numa(struct config *config, const struct config_keys *keys, struct error *err);

/*
 * Checks all nodes when all options are known: they are numbered from 0, they have all of the
 * memory and each vCPU once, and the nodes of devices exist. -EINVAL with @err set.
 */
int config_check_numa(const struct config *config, struct error *err);
