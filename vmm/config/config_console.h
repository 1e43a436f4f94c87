/* SPDX-License-Identifier: Apache-2.0 */
/* --serial and --console: where a console goes to. */
#ifndef MVMM_VMM_CONFIG_CONSOLE_H
#define MVMM_VMM_CONFIG_CONSOLE_H

#include "vmm/config/config.h"

/* Adds what an option names. -errno with @err set. */
int config_add_serial(struct config *config, const char *value, struct error *err);
int config_add_console(struct config *config, const char *value, struct error *err);

/* Puts what was not given, and checks what all options together say. -EINVAL with @err set. */
int config_finish_consoles(struct config *config, struct error *err);

void config_fini_consoles(struct config *config);

/* Whether standard input and output belong to @console. */
bool config_console_has_stdio(const struct config_console *console);

/* Whether they belong to any. */
bool config_has_stdio_console(const struct config *config);

#endif
