/* SPDX-License-Identifier: Apache-2.0 */
/* --serial and --console: the destinations of a console. */
#pragma once

#include "vmm/config/config.h"

/* Adds the destination that an option names. -errno with @err set. */
int config_add_serial(struct config *config, const char *value, struct error *err);
int config_add_console(struct config *config, const char *value, struct error *err);

/* Sets defaults, and checks all options together. -EINVAL with @err set. */
int config_finish_consoles(struct config *config, struct error *err);

void config_fini_consoles(struct config *config);

/* Whether any console uses standard input and output. */
bool config_has_stdio_console(const struct config *config);
