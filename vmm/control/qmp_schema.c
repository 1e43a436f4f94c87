// SPDX-License-Identifier: Apache-2.0
/* Prints the tables as QEMU's introspection does (SchemaInfo of QEMU's qapi/introspect.json). */
#include "vmm/control/qmp_schema.h"

#include "vmm/base/array.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_events.h"
#include "vmm/control/qmp_types.h"

#include <stdio.h>
#include <string.h>

static json_t *type_info(const struct qmp_type *type)
{
	json_t *members = json_array(), *values = json_array();

	for (unsigned i = 0; type->values && type->values[i]; i++) {
		json_array_append_new(members, json_pack("{s:s}", "name", type->values[i]));
		json_array_append_new(values, json_string(type->values[i]));
	}
	for (const struct qmp_member *m = type->members; m && m->name; m++) {
		json_t *member = json_pack("{s:s,s:s}", "name", m->name, "type", m->type);

		if (m->optional)
			json_object_set_new(member, "default", json_null());
		json_array_append_new(members, member);
	}
	if (type->values)
		return json_pack("{s:s,s:o,s:s,s:o}", "name", type->name, "members", members,
				 "meta-type", "enum", "values", values);
	json_decref(values);
	return json_pack("{s:s,s:o,s:s}", "name", type->name, "members", members, "meta-type",
			 "object");
}

/* Lists an array type once, where it is first used. */
static void add_array(json_t *list, const char *type)
{
	char element[64];
	json_t *item;
	size_t i;

	if (type[0] != '[')
		return;
	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "name")), type) == 0)
			return;
	}
	snprintf(element, sizeof(element), "%.*s", (int)strlen(type) - 2, type + 1);
	json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", type, "element-type",
					      element, "meta-type", "array"));
}

static void add_builtins(json_t *list)
{
	static const char *const builtins[][2] = {
		{ "str", "string" },   { "int", "int" },   { "size", "int" },
		{ "bool", "boolean" }, { "any", "value" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(builtins); i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", builtins[i][0],
						      "json-type", builtins[i][1], "meta-type",
						      "builtin"));
}

json_t *qmp_schema(void)
{
	const struct qmp_command *command;
	const struct qmp_event *event;
	const struct qmp_type *type;
	json_t *list = json_array();

	for (unsigned i = 0; (command = qmp_commands_get(i)); i++) {
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "name", command->name,
						      "ret-type", command->answer, "meta-type",
						      "command", "arg-type", command->arguments));
		add_array(list, command->answer);
	}
	for (unsigned i = 0; (event = qmp_events_get(i)); i++)
		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s}", "name", event->name, "meta-type",
						"event", "arg-type", event->data));
	for (unsigned i = 0; (type = qmp_types_get(i)); i++) {
		json_array_append_new(list, type_info(type));
		for (const struct qmp_member *m = type->members; m && m->name; m++)
			add_array(list, m->type);
	}
	add_builtins(list);
	return list;
}
