/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: words key=value, the first of a name counts. */
#pragma once

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stdint.h>

/* Remembers where the command line is. */
void args_init(const struct boot_params *params);

/* The text behind @key=, which ends at a space, or NULL. */
const char *args_text(const char *key);

uint64_t args_number(const char *key, uint64_t otherwise);
