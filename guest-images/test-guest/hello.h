/* SPDX-License-Identifier: Apache-2.0 */
/* The test "hello". */
#pragma once

#include <asm/bootparam.h>

/* Remembers the zero page, which the test prints. */
void hello_init(const struct boot_params *params);
