// SPDX-License-Identifier: Apache-2.0
/* Arguments that fit their type and such that do not, as JSON and as a person writes them. */
#include "vmm/control/qmp_types.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

static struct error err;

/* "" where @json fits @type, or the error's text. */
static const char *check(const char *type, const char *json, bool open)
{
	json_t *object = json_loads(json, JSON_ALLOW_NUL, NULL);
	int ret;

	cr_assert(object, "%s", json);
	cr_assert(qmp_types_find(type), "%s", type);
	err.text[0] = '\0';
	ret = qmp_types_check(qmp_types_find(type), object, open, &err);
	json_decref(object);
	check_eq(ret, err.text[0] ? -EINVAL : 0, "%s", json);
	return err.text;
}

struct refusal {
	const char *type, *json, *text;
};

Test(qmp_types, fit)
{
	check_str(check("empty", "{}", false), "");
	check_str(check("DeviceAddArguments", "{\"driver\":\"virtio-pmem\"}", false), "");
	check_str(check("DeviceAddArguments",
			"{\"driver\":\"x\",\"id\":\"\",\"memdev\":\"m\",\"memaddr\":0,\"node\":-1}",
			false),
		  "");
	check_str(check("ObjectOptions",
			"{\"qom-type\":\"memory-backend-file\",\"id\":\"m\",\"size\":"
			"9223372036854775807,\"mem-path\":\"f\",\"share\":true,\"readonly\":false}",
			false),
		  "");
	check_str(check("CapabilitiesArguments", "{\"enable\":[]}", false), "");
	check_str(check("CapabilitiesArguments", "{\"enable\":[\"oob\",\"oob\"]}", false), "");
}

/*
 * bad input: Control socket: arguments of each wrong type, missing or unknown ones, and ones with a
 * NUL -> refused with QEMU's text
 */
Test(qmp_types, do_not_fit)
{
#define OBJECT "{\"qom-type\":\"memory-backend-file\",\"id\":\"m\",\"mem-path\":\"f\","
	static const struct refusal cases[] = {
		{ "DeviceAddArguments", "{}", "Parameter 'driver' is missing" },
		{ "DeviceAddArguments", "{\"driver\":null}",
		  "Invalid parameter type for 'driver', expected: string" },
		{ "DeviceAddArguments", "{\"driver\":[\"x\"]}",
		  "Invalid parameter type for 'driver', expected: string" },
		{ "DeviceAddArguments", "{\"driver\":\"a\\u0000b\"}",
		  "Parameter 'driver' contains a NUL character" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"memaddr\":-1}",
		  "Parameter 'memaddr' expects uint64" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"memaddr\":\"1\"}",
		  "Parameter 'memaddr' expects uint64" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"memaddr\":1.0}",
		  "Parameter 'memaddr' expects uint64" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"node\":1.5}",
		  "Invalid parameter type for 'node', expected: integer" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"node\":true}",
		  "Invalid parameter type for 'node', expected: integer" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"extra\":1}",
		  "Parameter 'extra' is unexpected" },
		{ "DeviceAddArguments", "{\"driver\":\"x\",\"\":1}", "Parameter '' is unexpected" },
		{ "empty", "{\"a\":1}", "Parameter 'a' is unexpected" },
		{ "ObjectOptions", OBJECT "\"size\":1,\"share\":1}",
		  "Invalid parameter type for 'share', expected: boolean" },
		{ "ObjectOptions", OBJECT "\"size\":1,\"share\":\"on\"}",
		  "Invalid parameter type for 'share', expected: boolean" },
		{ "ObjectOptions", OBJECT "\"share\":true}", "Parameter 'size' is missing" },
		{ "ObjectOptions", "{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\"}",
		  "Parameter 'qom-type' does not accept value 'memory-backend-ram'" },
		{ "CapabilitiesArguments", "{\"enable\":\"oob\"}",
		  "Invalid parameter type for 'enable', expected: array" },
		{ "CapabilitiesArguments", "{\"enable\":[\"oob\",\"x\"]}",
		  "Parameter 'enable' does not accept value 'x'" },
		{ "CapabilitiesArguments", "{\"enable\":[1]}",
		  "Invalid parameter type for 'enable', expected: string" },
		{ "CapabilitiesArguments", "{\"enable\":[[\"oob\"]]}",
		  "Invalid parameter type for 'enable', expected: string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_str(check(cases[i].type, cases[i].json, false), cases[i].text);
}

/* What is open takes members that nobody knows, and no others. */
Test(qmp_types, open)
{
	check_str(check("DeviceAddArguments", "{\"driver\":\"x\",\"extra\":[{}]}", true), "");
	check_str(check("DeviceAddArguments", "{\"extra\":1}", true),
		  "Parameter 'driver' is missing");
	check_str(check("DeviceAddArguments", "{\"driver\":\"x\",\"node\":\"0\"}", true),
		  "Invalid parameter type for 'node', expected: integer");
}

static json_t *parse(const char *name, const char *text)
{
	const char *type = strcmp(name, "size") == 0 || strcmp(name, "share") == 0
				   ? "ObjectOptions"
				   : "DeviceAddArguments";
	json_t *object = json_object(), *value;
	int ret;

	err.text[0] = '\0';
	ret = qmp_types_set(qmp_types_find(type), object, name, text, &err);
	value = json_incref(json_object_get(object, name));
	json_decref(object);
	check_eq(ret, value ? 0 : -EINVAL);
	return value;
}

static void expect_integer(const char *name, const char *text, long long expected)
{
	json_t *value = parse(name, text);

	cr_assert(json_is_integer(value), "%s: %s", text, err.text);
	check_eq(json_integer_value(value), expected, "%s", text);
	json_decref(value);
}

Test(qmp_types, as_a_person_writes_it)
{
	json_t *value;

	expect_integer("size", "4G", 4LL << 30);
	expect_integer("size", "123", 123);
	expect_integer("memaddr", "0x240000000", 0x240000000);
	expect_integer("memaddr", "0x7fffffffffffffff", INT64_MAX);
	expect_integer("node", "1", 1);
	cr_assert(json_is_true(parse("share", "on")));
	cr_assert(json_is_false(parse("share", "off")));
	value = parse("driver", "4G");
	check_str(json_string_value(value), "4G");
	json_decref(value);
	value = parse("unknown", "\xff on");
	check_str(json_string_value(value), "? on");
	json_decref(value);
}

Test(qmp_types, as_a_person_writes_it_wrongly)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {
		{ "size", "", "Parameter 'size' expects size" },
		{ "size", "4X", "Parameter 'size' expects size" },
		{ "size", "-1", "Parameter 'size' expects size" },
		{ "size", "99999999999999999999", "Parameter 'size' expects size" },
		{ "memaddr", "0x8000000000000000", "Parameter 'memaddr' expects size" },
		{ "node", "one", "Parameter 'node' expects integer" },
		{ "share", "1", "Parameter 'share' expects 'on' or 'off'" },
		{ "share", "", "Parameter 'share' expects 'on' or 'off'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert(parse(cases[i].name, cases[i].text) == NULL, "%s", cases[i].text);
		check_str(err.text, cases[i].says);
	}
}

/* Names are unique, and each type that a member names is there. */
Test(qmp_types, table_is_sound)
{
	static const char *const built_in[] = { "str", "int", "size", "bool", "any" };
	const struct qmp_type *type;
	unsigned members = 0;

	for (unsigned i = 0; (type = qmp_types_get(i)); i++) {
		cr_assert(qmp_types_find(type->name) == type, "%s is there twice", type->name);
		cr_assert(!type->members != !type->values, "%s", type->name);
		for (const struct qmp_member *m = type->members; m && m->name; m++) {
			bool list = m->type[0] == '[';
			char name[64];
			bool known = false;

			members++;
			snprintf(name, sizeof(name), "%s", m->type + list);
			if (list) {
				check_eq(name[strlen(name) - 1], ']');
				name[strlen(name) - 1] = '\0';
			}
			for (size_t k = 0; k < ARRAY_SIZE(built_in); k++)
				known |= strcmp(name, built_in[k]) == 0;
			cr_assert(known || qmp_types_find(name), "%s of %s", m->type, type->name);
		}
	}
	cr_assert(members > 50);
	check_eq(qmp_types_get(UINT32_MAX), NULL);
	check_eq(qmp_types_find("none"), NULL);
	check_eq(qmp_types_find(""), NULL);
}
