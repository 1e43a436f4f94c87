/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of QMP's arguments, answers and events. Arguments are checked against them, and
 * query-qmp-schema prints them, so that the two cannot differ.
 */
#pragma once

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
const struct qmp_member *qmp_types_find_member(const struct qmp_type *type, const char *name);

/*
 * Whether @object fits @type: -EINVAL with @err in QEMU's words if not. @open: the caller checks
 * members that the type lacks.
 */
int qmp_types_check(const struct qmp_type *type, json_t *object, bool open, struct error *err);

/*
 * Sets member @name of @object from its text for people: on and off, 4G, 0x240000000. A member that
 * @type lacks is a string. -EINVAL with @err set.
 */
int qmp_types_set(const struct qmp_type *type, json_t *object, const char *name, const char *text,
		  struct error *err);
