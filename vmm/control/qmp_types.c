// SPDX-License-Identifier: Apache-2.0
/* The table of types, and the check of arguments. */
#include "vmm/control/qmp_types.h"

#include "vmm/base/array.h"
#include "vmm/base/json_text.h"
#include "vmm/base/keyval.h"
#include "vmm/control/monitor.h"

#include <errno.h>
#include <string.h>

#define OBJECT(name, ...)                                                                          \
	{                                                                                          \
		name, (const struct qmp_member[]){ __VA_ARGS__, { 0 } }, NULL                      \
	}
#define ENUM(name, ...)                                                                            \
	{                                                                                          \
		name, NULL, (const char *const[])                                                  \
		{                                                                                  \
			__VA_ARGS__, NULL                                                          \
		}                                                                                  \
	}
#define MEMBER(name, type)                                                                         \
	{                                                                                          \
		name, type, false                                                                  \
	}
#define OPTIONAL(name, type)                                                                       \
	{                                                                                          \
		name, type, true                                                                   \
	}

/* Names and members as in QEMU's schema; types that only mvmm has begin with Mvmm. */
static const struct qmp_type types[] = {
	{ QMP_TYPE_EMPTY, (const struct qmp_member[]){ { 0 } }, NULL },

	/* Arguments. */
	OBJECT("CapabilitiesArguments", OPTIONAL("enable", "[QMPCapability]")),
	ENUM("QMPCapability", "oob"),
	OBJECT("HumanMonitorArguments", MEMBER("command-line", "str"),
	       OPTIONAL("cpu-index", "int")),
	OBJECT("ObjectOptions", MEMBER("qom-type", "ObjectType"), MEMBER("id", "str"),
	       MEMBER("size", "size"), MEMBER("mem-path", "str"), OPTIONAL("share", "bool"),
	       OPTIONAL("readonly", "bool"), OPTIONAL("lock", "bool")),
	ENUM("ObjectType", "memory-backend-file"),
	OBJECT("DeviceAddArguments", MEMBER("driver", "str"), OPTIONAL("id", "str"),
	       OPTIONAL("memdev", "str"), OPTIONAL("memaddr", "size"), OPTIONAL("node", "int")),
	OBJECT("DeviceDelArguments", MEMBER("id", "str")),
	OBJECT("NamedFileArguments", MEMBER("fdname", "str")),
	OBJECT("MvmmForkArguments", MEMBER("fdnames", "[str]")),
	OBJECT("MvmmSaveArguments", OPTIONAL("path", "str"), OPTIONAL("state", "str"),
	       OPTIONAL("memory", "str")),

	/* Answers. */
	OBJECT("MemoryDeviceInfo", MEMBER("type", "MemoryDeviceInfoKind"),
	       MEMBER("data", "VirtioPMEMDeviceInfo")),
	ENUM("MemoryDeviceInfoKind", "virtio-pmem"),
	OBJECT("VirtioPMEMDeviceInfo", MEMBER("memdev", "str"), MEMBER("memaddr", "size"),
	       MEMBER("size", "size"), OPTIONAL("id", "str")),
	OBJECT("MemoryInfo", MEMBER("base-memory", "size"), OPTIONAL("plugged-memory", "size")),
	OBJECT("StatusInfo", MEMBER("status", "RunState"), MEMBER("singlestep", "bool"),
	       MEMBER("running", "bool")),
	{ "RunState", NULL, monitor_state_names },
	OBJECT("VersionInfo", MEMBER("qemu", "VersionTriple"), MEMBER("package", "str")),
	OBJECT("VersionTriple", MEMBER("micro", "int"), MEMBER("minor", "int"),
	       MEMBER("major", "int")),
	OBJECT("NameInfo", OPTIONAL("name", "str")),
	OBJECT("UuidInfo", MEMBER("UUID", "str")),
	OBJECT("KvmInfo", MEMBER("enabled", "bool"), MEMBER("present", "bool")),
	OBJECT("CpuInfoFast", MEMBER("thread-id", "int"),
	       OPTIONAL("props", "CpuInstanceProperties"), MEMBER("qom-path", "str"),
	       MEMBER("cpu-index", "int"), MEMBER("target", "str")),
	OBJECT("CpuInstanceProperties", OPTIONAL("node-id", "int")),
	OBJECT("CommandInfo", MEMBER("name", "str")),
	OBJECT("SchemaInfo", MEMBER("name", "str"), MEMBER("meta-type", "SchemaMetaType"),
	       OPTIONAL("json-type", "str"), OPTIONAL("element-type", "str"),
	       OPTIONAL("members", "[SchemaMember]"), OPTIONAL("values", "[str]"),
	       OPTIONAL("arg-type", "str"), OPTIONAL("ret-type", "str")),
	ENUM("SchemaMetaType", "builtin", "enum", "array", "object", "command", "event"),
	OBJECT("SchemaMember", MEMBER("name", "str"), OPTIONAL("type", "str"),
	       OPTIONAL("default", "any")),
	OBJECT("MvmmPmemStats", MEMBER("id", "str"), MEMBER("flushes", "int"),
	       MEMBER("flush-errors", "int"), MEMBER("flushes-coalesced", "int"),
	       MEMBER("fdatasyncs", "int"), MEMBER("stores-dropped", "int"),
	       MEMBER("latency-histogram", "MvmmLatencyHistogram")),
	OBJECT("MvmmDeviceCounters", MEMBER("id", "str"), MEMBER("counters", "[MvmmCounter]")),
	OBJECT("MvmmCounter", MEMBER("name", "str"), MEMBER("value", "int")),
	OBJECT("MvmmLatencyHistogram", MEMBER("boundaries", "[int]"), MEMBER("bins", "[int]")),

	/* Events. */
	OBJECT("ShutdownData", MEMBER("guest", "bool"), MEMBER("reason", "ShutdownCause")),
	{ "ShutdownCause", NULL, monitor_cause_names },
	OBJECT("GuestPanickedData", MEMBER("action", "GuestPanicAction")),
	ENUM("GuestPanicAction", "pause", "poweroff", "run"),
	OBJECT("WatchdogData", MEMBER("action", "WatchdogAction")),
	ENUM("WatchdogAction", "reset", "shutdown", "poweroff", "pause", "debug", "none",
	     "inject-nmi"),
	OBJECT("MvmmSavedData", OPTIONAL("path", "str"), MEMBER("bytes", "int"),
	       MEMBER("pause", "int")),
	OBJECT("MvmmForkedData", MEMBER("children", "int"), MEMBER("pause", "int")),
	OBJECT("MvmmJobData", MEMBER("pause", "int")),
	OBJECT("MvmmPmemFlushErrorData", MEMBER("id", "str"), MEMBER("errno", "int"),
	       MEMBER("error", "str")),
	OBJECT("MvmmPmemIoErrorData", OPTIONAL("id", "str"), OPTIONAL("file", "str"),
	       OPTIONAL("offset", "int"), MEMBER("action", "IoErrorAction"),
	       MEMBER("nospace", "bool"), MEMBER("reason", "str")),
	ENUM("IoErrorAction", "stop"),
};

const struct qmp_type *qmp_types_get(unsigned i)
{
	return i < ARRAY_SIZE(types) ? &types[i] : NULL;
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
	/* A path or an id would silently end at the NUL. */
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

/* Arguments are strings, enumerations, lists of these, numbers and booleans; not deeper. */
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

const struct qmp_member *qmp_types_find_member(const struct qmp_type *type, const char *name)
{
	for (const struct qmp_member *m = type->members; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
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
		if (!qmp_types_find_member(type, key))
			return error_set(err, EINVAL, "Parameter '%s' is unexpected", key);
	}
	return 0;
}

/* NULL with @err set. */
static json_t *parse(const char *type, const char *name, const char *text, struct error *err)
{
	uint64_t size;
	bool on;

	if (strcmp(type, "bool") == 0) {
		if (keyval_switch(text, &on) == 0)
			return json_boolean(on);
		error_set(err, EINVAL, "Parameter '%s' expects 'on' or 'off'", name);
		return NULL;
	}
	if (strcmp(type, "size") == 0 || strcmp(type, "int") == 0) {
		if (keyval_address(text, &size) == 0 && size <= INT64_MAX)
			return json_integer((json_int_t)size);
		error_set(err, EINVAL, "Parameter '%s' expects %s", name,
			  strcmp(type, "size") == 0 ? "size" : "integer");
		return NULL;
	}
	return json_text_string(text);
}

int qmp_types_set(const struct qmp_type *type, json_t *object, const char *name, const char *text,
		  struct error *err)
{
	const struct qmp_member *member = qmp_types_find_member(type, name);
	json_t *value = parse(member ? member->type : "str", name, text, err);

	return !value || json_object_set_new(object, name, value) < 0 ? -EINVAL : 0;
}
