/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --config: options from a JSON object, whose members have the names of the options. A string is
 * the text that the command line takes. Numbers and booleans set properties as they are, an object
 * gives keys and their values, and a list gives a repeatable option several times. See
 * docs/config.md.
 */
#pragma once

#include "vmm/config/config.h"

#include <stdint.h>

/*
 * Reads @where, a path or fd:N, and applies its options in their order. It leaves out options that
 * are allowed once and are in @given, a mask of places in the table of options. -errno with @err
 * set: one line that names file, line and option. Then config->result is still set, if the file has
 * it.
 */
int config_file_apply(struct config *config, const char *where, uint64_t given, struct error *err);

/* Frees the texts that options point into. */
void config_file_fini(struct config *config);
