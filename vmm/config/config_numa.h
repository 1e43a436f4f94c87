/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA nodes on the command line; for the table in config.c. */
#ifndef MVMM_VMM_CONFIG_NUMA_H
#define MVMM_VMM_CONFIG_NUMA_H

#include "vmm/config/config.h"

/* --numa. -errno with @err set. */
int config_add_numa(struct config *config, const char *value, struct error *err);

/*
 * Once all options are known: the nodes have the numbers from 0 on, all of the memory and each vCPU
 * once, and those of the devices are among them. -EINVAL with @err set.
 */
int config_check_numa(const struct config *config, struct error *err);

#endif
