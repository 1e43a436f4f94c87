/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of QMP's arguments, answers and events. Arguments are checked against them, and
 * query-qmp-schema prints them, so that the two cannot differ.
 */
#ifndef MVMM_VMM_QMP_TYPES_H
#define MVMM_VMM_QMP_TYPES_H

#include "vmm/base/error.h"

#include <jansson.h>
#include <stdbool.h>

/* @type: "str", "int", "size", "bool", "any", another type's name, or one of them in brackets. */
struct qmp_member {
	const char *name;
	const char *type;
	bool optional;
};

/* An enumeration if it has values, otherwise an object. Both lists end with a NULL. */
struct qmp_type {
	const char *name;
	const struct qmp_member *members;
	const char *const *values;
};

/* The type of an object without members. */
#define QMP_TYPE_EMPTY "empty"

/* By index until NULL, and by name; NULL if there is none. */
const struct qmp_type *qmp_types_get(unsigned i);
const struct qmp_type *qmp_types_find(const char *name);

/*
 * Whether @object fits @type: -EINVAL with @err in QEMU's words otherwise. @open: members that the
 * type lacks are the caller's business.
 */
int qmp_types_check(const struct qmp_type *type, json_t *object, bool open, struct error *err);

/*
 * The value of member @name of @type as a person writes it: on and off, 4G, 0x240000000; what @type
 * lacks is a string. The caller's; NULL with @err set.
 */
json_t *qmp_types_parse(const struct qmp_type *type, const char *name, const char *text,
			struct error *err);

#endif
