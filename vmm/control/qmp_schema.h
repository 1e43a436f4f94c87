/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to query-qmp-schema, made from the tables of commands, events and types. */
#pragma once

#include <jansson.h>

/* The caller's; NULL without memory. */
json_t *qmp_schema(void);
