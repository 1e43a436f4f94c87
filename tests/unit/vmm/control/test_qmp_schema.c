// SPDX-License-Identifier: Apache-2.0
/* That the schema is whole, and tells the truth about commands and events. */
#include "vmm/control/qmp_schema.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_events.h"
#include "vmm/control/qmp_types.h"

TestSuite(qmp_schema, .timeout = 10);

static struct fake_vm vm;

static void setup(void)
{
	fake_vm_init(&vm);
}

/* Whether @value is what the schema says of @type. */
static void check_fits(json_t *value, const char *type, const char *where)
{
	const struct qmp_type *t = qmp_types_find(type);
	char element[64];
	const char *key;
	json_t *item;
	size_t i;

	if (type[0] == '[') {
		snprintf(element, sizeof(element), "%.*s", (int)strlen(type) - 2, type + 1);
		cr_assert(json_is_array(value), "%s", where);
		json_array_foreach(value, i, item) check_fits(item, element, where);
	} else if (strcmp(type, "str") == 0) {
		cr_assert(json_is_string(value), "%s", where);
	} else if (strcmp(type, "bool") == 0) {
		cr_assert(json_is_boolean(value), "%s", where);
	} else if (strcmp(type, "int") == 0 || strcmp(type, "size") == 0) {
		cr_assert(json_is_integer(value), "%s", where);
	} else if (strcmp(type, "any") == 0) {
		cr_assert(value != NULL, "%s", where);
	} else if (t && t->values) {
		for (i = 0; t->values[i]; i++)
			if (strcmp(t->values[i], json_string_value(value)) == 0)
				return;
		cr_assert(false, "%s: %s", where, json_string_value(value));
	} else {
		cr_assert(t && t->members, "%s: no type %s", where, type);
		cr_assert(json_is_object(value), "%s", where);
		for (const struct qmp_member *m = t->members; m->name; m++) {
			item = json_object_get(value, m->name);
			cr_assert(item || m->optional, "%s: %s", where, m->name);
			if (item)
				check_fits(item, m->type, m->name);
		}
		json_object_foreach(value, key, item)
		{
			const struct qmp_member *m = t->members;

			while (m->name && strcmp(m->name, key) != 0)
				m++;
			cr_assert(m->name, "%s: %s is not in the schema", where, key);
		}
	}
}

/* Commands that need no arguments are run: their answers must be what the schema promises. */
Test(qmp_schema, schema_is_true, .init = setup)
{
	const struct qmp_command *command;
	unsigned run = 0;

	for (unsigned i = 0; (command = qmp_commands_get(i)); i++) {
		struct error err = { 0 };
		json_t *answer;

		cr_assert(qmp_types_find(command->arguments), "%s", command->name);
		if (strcmp(command->arguments, QMP_TYPE_EMPTY) != 0)
			continue;
		check_eq(qmp_commands_run(command, &vm.monitor, NULL, &answer, &err), 0, "%s: %s",
			 command->name, err.text);
		run++;
		if (strcmp(command->name, "query-qmp-schema") == 0)
			answer = qmp_schema();
		if (!answer)
			answer = json_object();
		check_fits(answer, command->answer, command->name);
		json_decref(answer);
	}
	cr_assert(run >= 15, "%u", run);
	for (unsigned type = 0; type < MONITOR_EVENT_TYPES; type++) {
		const struct monitor_io_error io_error = {
			.id = "nv1", .file = "disk.img", .has_offset = true, .reason = "why"
		};
		const struct monitor_job job = { .path = "warm", .bytes = 1 };
		const struct monitor_event event = { .type = type,
						     .cause = MONITOR_GUEST_RESET,
						     .action = "pause",
						     .id = "nv1",
						     .error = EIO,
						     .io_error = &io_error,
						     .job = &job };
		json_t *made = qmp_events_make(&event), *data = json_object_get(made, "data");

		check_eq(!data, strcmp(qmp_events_get(type)->data, QMP_TYPE_EMPTY) == 0);
		if (data)
			check_fits(data, qmp_events_get(type)->data, qmp_events_get(type)->name);
		json_decref(made);
	}
}

static json_t *schema_entry(json_t *schema, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(schema, i,
			   item) if (strcmp(json_string_value(json_object_get(item, "name")),
					    name) == 0) return item;
	return NULL;
}

/* Everything that is named in it is in it, once. */
Test(qmp_schema, schema_is_complete, .init = setup)
{
	static const char *const references[] = { "arg-type", "ret-type", "element-type" };
	json_t *schema = qmp_schema(), *item, *member;
	size_t i, k;

	json_array_foreach(schema, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		cr_assert(schema_entry(schema, name) == item, "%s is there twice", name);
		for (k = 0; k < ARRAY_SIZE(references); k++) {
			const json_t *reference = json_object_get(item, references[k]);

			cr_assert(!reference || schema_entry(schema, json_string_value(reference)),
				  "%s: %s", name, json_string_value(reference));
		}
		json_array_foreach(json_object_get(item, "members"), k, member)
		{
			const json_t *type = json_object_get(member, "type");

			cr_assert(!type || schema_entry(schema, json_string_value(type)), "%s: %s",
				  name, json_string_value(type));
		}
	}
	cr_assert(schema_entry(schema, "STOP"));
	cr_assert(schema_entry(schema, "query-memory-devices"));
	cr_assert(!schema_entry(schema, "nosuch"));
	json_decref(schema);
}
