/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --config: options from a JSON object, whose members have the names of the options. A string is
 * the text that the command line takes, numbers and booleans are turned into it, an object into
 * key=value pairs, and a list gives a repeatable option several times. docs/config.md has it all.
 */
#ifndef MVMM_VMM_CONFIG_FILE_H
#define MVMM_VMM_CONFIG_FILE_H

#include "vmm/config/config.h"

#include <stdint.h>

/*
 * Reads @where, a path or fd:N, and applies its options in their order, but for those that are
 * allowed once and in @given, a mask of the options' places in the table. -errno with @err set: one
 * line that names file, line and option. Then config->result is set all the same, if the file has
 * one.
 */
int config_file_apply(struct config *config, const char *where, uint64_t given, struct error *err);

/* Frees the texts that options point into. */
void config_file_fini(struct config *config);

#endif
