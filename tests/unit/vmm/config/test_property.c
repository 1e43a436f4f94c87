// SPDX-License-Identifier: Apache-2.0
/* Tables of keys: what they fill, and that the two published schemas say the same as they do. */
#include "vmm/config/property.h"

#include "tests/support/check.h"
#include "vmm/config/config_options.h"
#include "vmm/control/qmp_types.h"

#include <errno.h>
#include <jansson.h>

TestSuite(property, .timeout = 10);

struct thing {
	char id[PROPERTY_ID_MAX + 1];
	uint64_t size;
	unsigned number;
	bool on, off;
};

static const struct property id = { "id", PROPERTY_ID, .at = offsetof(struct thing, id),
				    .wants = "an id" };
static const struct property size = { "size",
				      PROPERTY_SIZE,
				      .at = offsetof(struct thing, size),
				      .wants = "a size",
				      .min = 1,
				      .max = 8192,
				      .multiple_of = 4096 };
static const struct property number = { "number", PROPERTY_NUMBER,
					.at = offsetof(struct thing, number), .wants = "integer" };
static const struct property address = { "address", PROPERTY_ADDRESS,
					 .at = offsetof(struct thing, size), .wants = "integer" };
static const struct property on = { "on", PROPERTY_SWITCH, .at = offsetof(struct thing, on),
				    .wants = "'on' or 'off'" };
static const struct property off = { "off", PROPERTY_OFF, .at = offsetof(struct thing, off),
				     .wants = "'on' or 'off'" };

static struct error err;

static int set(const struct property *property, void *object, const char *text, const char *option)
{
	return property_set(property, object, &(struct keyval){ .value = text }, option, &err);
}

/* As from JSON; the text is another, so that a test sees which of the two counts. */
static int set_number(const struct property *property, void *object, int64_t n)
{
	const struct keyval kv = { .value = "1", .type = KEYVAL_NUMBER, .number = n };

	return property_set(property, object, &kv, NULL, &err);
}

static int set_switch(const struct property *property, void *object, bool is_on)
{
	const struct keyval kv = { .value = "?", .type = KEYVAL_SWITCH, .number = is_on };

	return property_set(property, object, &kv, NULL, &err);
}

Test(property, text_and_typed_values)
{
	struct thing t = { 0 };

	check_eq(set(&size, &t, "4K", NULL), 0);
	check_eq(t.size, 4096);
	check_eq(set_number(&size, &t, 8192), 0);
	check_eq(t.size, 8192);
	check_eq(set_number(&size, &t, 4097), -EINVAL);
	check_str(err.text, "Parameter 'size' expects a size");
	check_eq(set(&size, &t, "0", "--x"), -EINVAL);
	check_str(err.text, "--x size=0: a size");
	check_eq(set(&size, &t, "12K", "--x"), -EINVAL);
	check_eq(t.size, 8192);
	check_eq(set_number(&number, &t, UINT32_MAX), 0);
	check_eq(set_number(&number, &t, 1ULL << 32), -EINVAL);
	check_eq(t.number, UINT32_MAX);
	check_eq(set_number(&number, &t, -1), -EINVAL);
	check_eq(t.number, UINT32_MAX);
	check_eq(set_number(&address, &t, INT64_MAX), 0);
	check_eq(t.size, INT64_MAX);
	check_eq(set_switch(&off, &t, false), 0);
	check_eq(t.off, true);
	check_eq(set_switch(&number, &t, true), -EINVAL);
	check_eq(set_number(&off, &t, 1), -EINVAL);
	check_eq(set(&off, &t, "on", "--x"), 0);
	check_eq(t.off, false);
}

/* A number is in the unit of a text without a suffix. */
Test(property, units)
{
	static const struct property mib = { "mib", PROPERTY_SIZE,
					     .at = offsetof(struct thing, size), .wants = "a size",
					     .unit = 1 << 20 };
	struct thing t = { 0 };

	check_eq(set(&mib, &t, "3", NULL), 0);
	check_eq(t.size, 3 << 20);
	check_eq(set_number(&mib, &t, 5), 0);
	check_eq(t.size, 5 << 20);
	check_eq(set_number(&mib, &t, 1LL << 44), -EINVAL, "more than 64 bits");
	check_eq(t.size, 5 << 20);
}

/* QEMU's spellings are for its options only, and its names begin with a letter. */
Test(property, spellings)
{
	struct thing t = { 0 };

	check_eq(set(&on, &t, "yes", NULL), 0);
	check_eq(t.on, true);
	check_eq(set(&on, &t, "yes", "--x"), -EINVAL);
	check_eq(set(&on, &t, "off", "--x"), 0);
	check_eq(t.on, false);
	check_eq(set(&id, &t, "1a", "--x"), 0);
	check_str(t.id, "1a");
	check_eq(set(&id, &t, "1b", NULL), -EINVAL);
	check_eq(set(&id, &t, "", "--x"), -EINVAL);
	check_eq(set(&id, &t, "a/b", "--x"), -EINVAL);
	check_str(t.id, "1a");
}

/* The rule within @rule, which may refer to @defs, of an object's members; NULL if there is none.
 */
static json_t *find_members(json_t *defs, json_t *rule)
{
	const char *ref = json_string_value(json_object_get(rule, "$ref")), *key;
	json_t *item, *found = NULL;
	size_t i;

	if (ref)
		return find_members(defs, json_object_get(defs, ref + strlen("#/$defs/")));
	if (json_object_get(rule, "properties"))
		return rule;
	json_object_foreach(rule, key, item) found = found ? found : find_members(defs, item);
	json_array_foreach(rule, i, item) found = found ? found : find_members(defs, item);
	return found;
}

static bool has_string(json_t *array, const char *string)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i,
			   item) if (strcmp(json_string_value(item), string) == 0) return true;
	return false;
}

static void check_keys(const char *option, const struct property *properties, json_t *rule)
{
	json_t *members = json_object_get(rule, "properties");
	json_t *required = json_object_get(rule, "required");
	size_t n = 0, n_required = 0;

	cr_assert(rule, "docs/config.schema.json: %s: has keys", option);
	check_eq(json_is_false(json_object_get(rule, "additionalProperties")), true, "%s", option);
	for (const struct property *p = properties; p->name; p++) {
		if (p->alias)
			continue;
		cr_assert(json_object_get(members, p->name), "docs/config.schema.json: %s: %s",
			  option, p->name);
		check_eq(has_string(required, p->name), p->required, "%s: %s", option, p->name);
		n++;
		n_required += p->required;
	}
	check_eq(json_object_size(members), n, "%s", option);
	check_eq(json_array_size(required), n_required, "%s", option);
}

/* Which values it allows is compared with mvmm itself, in tests/e2e/launch. */
Test(property, json_schema_has_the_keys_of_the_tables)
{
	json_t *schema = json_load_file("docs/config.schema.json", JSON_REJECT_DUPLICATES, NULL);
	json_t *rules = json_object_get(schema, "properties");
	json_t *defs = json_object_get(schema, "$defs");
	unsigned n = 0;

	cr_assert(rules);
	for (unsigned i = 0; i < config_n_options; i++) {
		const struct config_option *o = &config_options[i];
		json_t *rule = json_object_get(rules, o->name);

		if (o->how & READ_FIRST)
			continue;
		cr_assert(rule, "docs/config.schema.json: %s", o->name);
		if (o->set_keys)
			check_keys(o->name, o->properties, find_members(defs, rule));
		n++;
	}
	check_eq(json_object_size(rules), n);
	json_decref(schema);
}

/* What QMP offers of a table has the table's type. */
static void check_members(const char *type, const struct property *properties)
{
	static const char *const types[] = {
		[PROPERTY_NAME] = "str",     [PROPERTY_ID] = "str",	[PROPERTY_SIZE] = "size",
		[PROPERTY_ADDRESS] = "size", [PROPERTY_NUMBER] = "int", [PROPERTY_SWITCH] = "bool",
		[PROPERTY_OFF] = "bool",     [PROPERTY_ENUM] = "str",	[PROPERTY_TEXT] = "str",
		[PROPERTY_NAMES] = "[str]",
	};

	for (const struct qmp_member *m = qmp_types_find(type)->members; m->name; m++) {
		const struct property *p = property_find(properties, m->name);
		const char *wanted = qmp_types_find(m->type) ? "str" : m->type;

		cr_assert(p, "%s: %s", type, m->name);
		cr_assert(strcmp(types[p->type], wanted) == 0, "%s: %s: %s", type, m->name,
			  m->type);
	}
}

Test(property, members_of_qmp)
{
	check_members("ObjectOptions", memory_backend_properties);
	check_members("DeviceAddArguments", memory_device_properties);
}

/*
 * bad input: Control socket: ids of objects and devices that break QEMU's rule for ids -> refused
 */
Test(property, identifiers)
{
	static const char *const good[] = { "a", "Z9", "a-._b", "m1" };
	static const char *const bad[] = { "",	  "1a",	 "-a", "_a",  ".a",	  "a b",
					   "a/b", "a,b", "a=", "a\n", "\xc3\xa4", "a\x80" };
	const struct property *of_object = property_find(memory_backend_properties, "id");
	const struct property *of_device = property_find(memory_device_properties, "id");
	struct memory_backend backend;
	struct memory_device device;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		check_eq(set(of_object, &backend, good[i], NULL), 0, "%s", good[i]);
		check_str(backend.id, good[i]);
		check_eq(set(of_device, &device, good[i], NULL), 0, "%s", good[i]);
		check_str(device.id, good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err.text[0] = '\0';
		check_eq(set(of_object, &backend, bad[i], NULL), -EINVAL, "%s", bad[i]);
		check_str(err.text, "Parameter 'id' expects an identifier");
		check_eq(set(of_device, &device, bad[i], NULL), -EINVAL, "%s", bad[i]);
	}
}
