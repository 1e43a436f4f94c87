/* SPDX-License-Identifier: Apache-2.0 */
/* --restore: begins with the configuration of a snapshot. */
#pragma once

#include "vmm/config/config.h"

/*
 * Opens the snapshot in config->restore.dir and fills @config with the machine that it has; the
 * options that are applied next name files anew. What else the state file has stays in
 * config->restore.state. -errno with @err set; config_restore_fini in either case.
 */
int config_restore_apply(struct config *config, struct error *err);

/*
 * When all options are known: descriptors of the VM that was saved must have been named anew.
 * -EINVAL with @err set.
 */
int config_restore_check(const struct config *config, struct error *err);

/* Takes a zeroed one. */
void config_restore_fini(struct config *config);
