/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by jansson, errors in QEMU's words. */
#ifndef MVMM_VMM_QMP_JSON_H
#define MVMM_VMM_QMP_JSON_H

#include "vmm/base/buffer.h"
#include "vmm/base/error.h"

#include <jansson.h>
#include <stddef.h>

/* Once, before the sandbox: jansson reads random numbers from a file for its tables. */
void qmp_json_init(void);

/* Parses one value of any type; the caller owns it. -EINVAL with @err set. */
int qmp_json_parse(const char *text, size_t len, json_t **ret_value, struct error *err);

/*
 * Adds @value in one line, with "\r\n", in ASCII. Without spaces: QEMU has put them behind ':' and
 * ',' at times and left them out at others.
 */
int qmp_json_print(const json_t *value, struct buffer *out);

/* A string of any bytes: what is no UTF-8 becomes '?'. Takes NULL as "". NULL without memory. */
json_t *qmp_json_string(const char *text);

#endif
