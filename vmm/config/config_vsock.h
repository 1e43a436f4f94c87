/* SPDX-License-Identifier: Apache-2.0 */
/* --vsock, the socket device; for config.c only. */
#ifndef MVMM_VMM_CONFIG_VSOCK_H
#define MVMM_VMM_CONFIG_VSOCK_H

#include "vmm/config/config.h"

/* Takes the option's value. -EINVAL with @err set. */
int config_set_vsock(struct config *config, const char *value, struct error *err);

void config_fini_vsock(struct config *config);

#endif
