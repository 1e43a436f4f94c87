/* SPDX-License-Identifier: Apache-2.0 */
/* Network cards on the command line: --net. */
#ifndef MVMM_VMM_CONFIG_NET_H
#define MVMM_VMM_CONFIG_NET_H

#include "vmm/config/config.h"

int config_add_net(struct config *config, const char *value, struct error *err);
void config_fini_net(struct config *config);

#endif
