// SPDX-License-Identifier: Apache-2.0
/* The table of types, and the check of arguments against it. */
#include "vmm/control/qmp_types.h"

#include "vmm/base/keyval.h"
#include "vmm/control/qmp_json.h"

#include <errno.h>
#include <string.h>

#define MEMBERS (const struct qmp_member[])
#define VALUES (const char *const[])

/* Names and members as in QEMU's schema; what only mvmm has begins with Mvmm. */
static const struct qmp_type types[] = {
	{ QMP_TYPE_EMPTY, MEMBERS{ { 0 } }, NULL },

	/* Arguments. */
	{ "CapabilitiesArguments", MEMBERS{ { "enable", "[QMPCapability]", true }, { 0 } }, NULL },
	{ "QMPCapability", NULL, VALUES{ "oob", NULL } },
	{ "HumanMonitorArguments",
	  MEMBERS{ { "command-line", "str", false }, { "cpu-index", "int", true }, { 0 } }, NULL },
	{ "ObjectOptions",
	  MEMBERS{ { "qom-type", "ObjectType", false },
		   { "id", "str", false },
		   { "size", "size", false },
		   { "mem-path", "str", false },
		   { "share", "bool", true },
		   { "readonly", "bool", true },
		   { "lock", "bool", true },
		   { 0 } },
	  NULL },
	{ "ObjectType", NULL, VALUES{ "memory-backend-file", NULL } },
	{ "DeviceAddArguments",
	  MEMBERS{ { "driver", "str", false },
		   { "id", "str", true },
		   { "memdev", "str", true },
		   { "memaddr", "size", true },
		   { "node", "int", true },
		   { 0 } },
	  NULL },
	{ "DeviceDelArguments", MEMBERS{ { "id", "str", false }, { 0 } }, NULL },

	/* Answers. */
	{ "MemoryDeviceInfo",
	  MEMBERS{ { "type", "MemoryDeviceInfoKind", false },
		   { "data", "VirtioPMEMDeviceInfo", false },
		   { 0 } },
	  NULL },
	{ "MemoryDeviceInfoKind", NULL, VALUES{ "virtio-pmem", NULL } },
	{ "VirtioPMEMDeviceInfo",
	  MEMBERS{ { "memdev", "str", false },
		   { "memaddr", "size", false },
		   { "size", "size", false },
		   { "id", "str", true },
		   { 0 } },
	  NULL },
	{ "MemoryInfo",
	  MEMBERS{ { "base-memory", "size", false }, { "plugged-memory", "size", true }, { 0 } },
	  NULL },
	{ "StatusInfo",
	  MEMBERS{ { "status", "RunState", false },
		   { "singlestep", "bool", false },
		   { "running", "bool", false },
		   { 0 } },
	  NULL },
	{ "RunState", NULL,
	  VALUES{ "prelaunch", "running", "paused", "io-error", "shutdown", "guest-panicked",
		  "internal-error", NULL } },
	{ "VersionInfo",
	  MEMBERS{ { "qemu", "VersionTriple", false }, { "package", "str", false }, { 0 } }, NULL },
	{ "VersionTriple",
	  MEMBERS{ { "micro", "int", false },
		   { "minor", "int", false },
		   { "major", "int", false },
		   { 0 } },
	  NULL },
	{ "NameInfo", MEMBERS{ { "name", "str", true }, { 0 } }, NULL },
	{ "UuidInfo", MEMBERS{ { "UUID", "str", false }, { 0 } }, NULL },
	{ "KvmInfo", MEMBERS{ { "enabled", "bool", false }, { "present", "bool", false }, { 0 } },
	  NULL },
	{ "CpuInfoFast",
	  MEMBERS{ { "thread-id", "int", false },
		   { "props", "CpuInstanceProperties", true },
		   { "qom-path", "str", false },
		   { "cpu-index", "int", false },
		   { "target", "str", false },
		   { 0 } },
	  NULL },
	{ "CpuInstanceProperties", MEMBERS{ { "node-id", "int", true }, { 0 } }, NULL },
	{ "CommandInfo", MEMBERS{ { "name", "str", false }, { 0 } }, NULL },
	{ "SchemaInfo",
	  MEMBERS{ { "name", "str", false },
		   { "meta-type", "SchemaMetaType", false },
		   { "json-type", "str", true },
		   { "element-type", "str", true },
		   { "members", "[SchemaMember]", true },
		   { "values", "[str]", true },
		   { "arg-type", "str", true },
		   { "ret-type", "str", true },
		   { 0 } },
	  NULL },
	{ "SchemaMetaType", NULL,
	  VALUES{ "builtin", "enum", "array", "object", "command", "event", NULL } },
	{ "SchemaMember",
	  MEMBERS{ { "name", "str", false },
		   { "type", "str", true },
		   { "default", "any", true },
		   { 0 } },
	  NULL },
	{ "MvmmPmemStats",
	  MEMBERS{ { "id", "str", false },
		   { "flushes", "int", false },
		   { "flush-errors", "int", false },
		   { "flushes-coalesced", "int", false },
		   { "fdatasyncs", "int", false },
		   { "stores-dropped", "int", false },
		   { "latency-histogram", "MvmmLatencyHistogram", false },
		   { 0 } },
	  NULL },
	{ "MvmmDeviceCounters",
	  MEMBERS{ { "id", "str", false }, { "counters", "[MvmmCounter]", false }, { 0 } }, NULL },
	{ "MvmmCounter", MEMBERS{ { "name", "str", false }, { "value", "int", false }, { 0 } },
	  NULL },
	{ "MvmmLatencyHistogram",
	  MEMBERS{ { "boundaries", "[int]", false }, { "bins", "[int]", false }, { 0 } }, NULL },

	/* Events. */
	{ "ShutdownData",
	  MEMBERS{ { "guest", "bool", false }, { "reason", "ShutdownCause", false }, { 0 } },
	  NULL },
	{ "ShutdownCause", NULL,
	  VALUES{ "host-error", "host-qmp-quit", "host-qmp-system-reset", "host-signal", "host-ui",
		  "guest-shutdown", "guest-reset", "guest-panic", NULL } },
	{ "GuestPanickedData", MEMBERS{ { "action", "GuestPanicAction", false }, { 0 } }, NULL },
	{ "GuestPanicAction", NULL, VALUES{ "pause", "poweroff", "run", NULL } },
	{ "WatchdogData", MEMBERS{ { "action", "WatchdogAction", false }, { 0 } }, NULL },
	{ "WatchdogAction", NULL,
	  VALUES{ "reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi", NULL } },
	{ "MvmmPmemFlushErrorData",
	  MEMBERS{ { "id", "str", false },
		   { "errno", "int", false },
		   { "error", "str", false },
		   { 0 } },
	  NULL },
	{ "MvmmPmemIoErrorData",
	  MEMBERS{ { "id", "str", true },
		   { "file", "str", true },
		   { "offset", "int", true },
		   { "action", "IoErrorAction", false },
		   { "nospace", "bool", false },
		   { "reason", "str", false },
		   { 0 } },
	  NULL },
	{ "IoErrorAction", NULL, VALUES{ "stop", NULL } },
};

const struct qmp_type *qmp_types_get(unsigned i)
{
	return i < sizeof(types) / sizeof(types[0]) ? &types[i] : NULL;
}

const struct qmp_type *qmp_types_find(const char *name)
{
	for (unsigned i = 0; qmp_types_get(i); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

static int wrong_type(const char *name, const char *expected, struct error *err)
{
	return error_set(err, EINVAL, "Invalid parameter type for '%s', expected: %s", name,
			 expected);
}

static int check_string(const char *name, const json_t *value, const struct qmp_type *type,
			struct error *err)
{
	const char *text = json_string_value(value);

	if (!text)
		return wrong_type(name, "string", err);
	/* A path or an id would silently end there. */
	if (strlen(text) != json_string_length(value))
		return error_set(err, EINVAL, "Parameter '%s' contains a NUL character", name);
	if (!type)
		return 0;
	for (unsigned i = 0; type->values[i]; i++)
		if (strcmp(type->values[i], text) == 0)
			return 0;
	return error_set(err, EINVAL, "Parameter '%s' does not accept value '%s'", name, text);
}

static int check_array(const char *name, const json_t *value, const char *type, struct error *err)
{
	char element[64];
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return wrong_type(name, "array", err);
	strncpy(element, type + 1, sizeof(element) - 1);
	element[strlen(type) - 2] = '\0';
	json_array_foreach(value, i, item)
	{
		int ret = check_string(name, item, qmp_types_find(element), err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Arguments are strings, enumerations, lists of these, numbers and booleans; nothing deeper. */
static int check_value(const char *name, const json_t *value, const char *type, struct error *err)
{
	if (type[0] == '[')
		return check_array(name, value, type, err);
	if (strcmp(type, "bool") == 0)
		return json_is_boolean(value) ? 0 : wrong_type(name, "boolean", err);
	if (strcmp(type, "int") == 0)
		return json_is_integer(value) ? 0 : wrong_type(name, "integer", err);
	if (strcmp(type, "size") == 0)
		return json_is_integer(value) && json_integer_value(value) >= 0
			       ? 0
			       : error_set(err, EINVAL, "Parameter '%s' expects uint64", name);
	return check_string(name, value, qmp_types_find(type), err);
}

static bool has_member(const struct qmp_type *type, const char *name)
{
	for (const struct qmp_member *m = type->members; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return true;
	return false;
}

int qmp_types_check(const struct qmp_type *type, json_t *object, bool open, struct error *err)
{
	const char *key;
	json_t *value;
	int ret;

	for (const struct qmp_member *m = type->members; m->name; m++) {
		value = json_object_get(object, m->name);
		if (!value && !m->optional)
			return error_set(err, EINVAL, "Parameter '%s' is missing", m->name);
		ret = value ? check_value(m->name, value, m->type, err) : 0;
		if (ret < 0)
			return ret;
	}
	if (open)
		return 0;
	json_object_foreach(object, key, value)
	{
		if (!has_member(type, key))
			return error_set(err, EINVAL, "Parameter '%s' is unexpected", key);
	}
	return 0;
}

json_t *qmp_types_parse(const struct qmp_type *type, const char *name, const char *text,
			struct error *err)
{
	const char *wanted = "str";
	uint64_t size;
	bool on;

	for (const struct qmp_member *m = type->members; m->name; m++)
		if (strcmp(m->name, name) == 0)
			wanted = m->type;
	if (strcmp(wanted, "bool") == 0) {
		if (keyval_switch(text, &on) == 0)
			return json_boolean(on);
		error_set(err, EINVAL, "Parameter '%s' expects 'on' or 'off'", name);
		return NULL;
	}
	if (strcmp(wanted, "size") == 0 || strcmp(wanted, "int") == 0) {
		if (keyval_address(text, &size) == 0 && size <= INT64_MAX)
			return json_integer((json_int_t)size);
		error_set(err, EINVAL, "Parameter '%s' expects %s", name,
			  strcmp(wanted, "size") == 0 ? "size" : "integer");
		return NULL;
	}
	return qmp_json_string(text);
}
