/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to query-qmp-schema, made of the tables of commands, events and types. */
#ifndef MVMM_VMM_QMP_SCHEMA_H
#define MVMM_VMM_QMP_SCHEMA_H

#include <jansson.h>

/* The caller's; NULL without memory. */
json_t *qmp_schema(void);

#endif
