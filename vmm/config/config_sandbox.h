/* SPDX-License-Identifier: Apache-2.0 */
/* --sandbox, whose value is a list. For config.c's table only. */
#ifndef MVMM_VMM_CONFIG_SANDBOX_H
#define MVMM_VMM_CONFIG_SANDBOX_H

#include "vmm/config/config.h"

int config_set_sandbox(struct config *config, const char *value, struct error *err);

/* Frees what --sandbox left. */
void config_fini_sandbox(struct config *config);

#endif
