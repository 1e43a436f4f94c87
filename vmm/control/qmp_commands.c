// SPDX-License-Identifier: Apache-2.0
/* QMP's commands. Start reading at the table, at the end. */
#include "vmm/control/qmp_commands.h"

#include "vmm/base/array.h"
#include "vmm/base/json_text.h"
#include "vmm/control/qmp_types.h"

#include <errno.h>
#include <string.h>

/* An argument; @arguments have been checked against their type. */
static const char *string_argument(json_t *arguments, const char *name)
{
	const char *text = json_string_value(json_object_get(arguments, name));

	return text ? text : "";
}

/*
 * Fills @object from checked arguments. Only those of device_add can be unknown here; QEMU reports
 * them as properties that the driver lacks.
 */
static int fill(const struct property *properties, void *object, json_t *arguments,
		struct error *err)
{
	char digits[JSON_TEXT_DIGITS];
	const char *key;
	json_t *value;
	int ret = 0;

	json_object_foreach(arguments, key, value)
	{
		const struct property *p = property_find(properties, key);
		struct keyval kv;

		if (!p)
			return error_set(err, EINVAL, "Property 'virtio-pmem.%s' not found", key);
		/* An empty text counts as missing, unless the property is required. */
		if (json_text_keyval(key, value, digits, &kv) && (p->required || *kv.value))
			ret = property_set(p, object, &kv, NULL, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *query_memory_devices(struct monitor *monitor)
{
	struct monitor_memory_device d;
	json_t *list = json_array();

	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &d) == 0; i++) {
		json_t *data = json_pack("{s:o,s:o,s:o}", "memdev", json_text_string(d.memdev),
					 "memaddr", number(d.memaddr), "size", number(d.size));

		if (*d.id)
			json_object_set_new(data, "id", json_text_string(d.id));
		json_array_append_new(list, json_pack("{s:s,s:o}", "type", d.type, "data", data));
	}
	return list;
}

static json_t *query_memory_size_summary(struct monitor *monitor)
{
	return json_pack("{s:o,s:o}", "base-memory", number(monitor->ops->base_memory(monitor)),
			 "plugged-memory", number(monitor_plugged_memory(monitor)));
}

static json_t *query_status(struct monitor *monitor)
{
	enum monitor_state state = monitor->ops->state(monitor);

	return json_pack("{s:s,s:b,s:b}", "status", monitor_state_names[state], "singlestep", false,
			 "running", state == MONITOR_RUNNING);
}

json_t *qmp_commands_version(void)
{
	return json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "micro", MONITOR_QEMU_MICRO, "minor",
			 MONITOR_QEMU_MINOR, "major", MONITOR_QEMU_MAJOR, "package",
			 MONITOR_PACKAGE);
}

static json_t *query_version(struct monitor *monitor)
{
	return qmp_commands_version();
}

static json_t *query_name(struct monitor *monitor)
{
	struct monitor_identity identity = { 0 };
	json_t *answer = json_object();

	monitor->ops->identity(monitor, &identity);
	if (identity.name)
		json_object_set_new(answer, "name", json_text_string(identity.name));
	return answer;
}

static json_t *query_uuid(struct monitor *monitor)
{
	struct monitor_identity identity = { 0 };

	monitor->ops->identity(monitor, &identity);
	return json_pack("{s:s}", "UUID", identity.uuid ? identity.uuid : MONITOR_NO_UUID);
}

static json_t *query_kvm(struct monitor *monitor)
{
	return json_pack("{s:b,s:b}", "enabled", true, "present", true);
}

static json_t *query_cpus_fast(struct monitor *monitor)
{
	struct monitor_identity identity = { 0 };
	json_t *list = json_array();
	uint64_t ram_size;
	struct monitor_cpu cpu;
	bool numa = monitor->ops->node(monitor, 0, &ram_size) == 0;

	monitor->ops->identity(monitor, &identity);
	for (unsigned i = 0; monitor->ops->cpu(monitor, i, &cpu) == 0; i++) {
		json_t *props = json_object();

		if (numa)
			json_object_set_new(props, "node-id", number(cpu.node));
		json_array_append_new(list,
				      json_pack("{s:i,s:o,s:o,s:i,s:s}", "thread-id", cpu.thread_id,
						"props", props, "qom-path",
						json_sprintf("/machine/unattached/device[%u]", i),
						"cpu-index", (int)i, "target", identity.target));
	}
	return list;
}

static json_t *histogram(const uint64_t *latency)
{
	json_t *boundaries = json_array(), *bins = json_array();

	for (unsigned i = 0; i < PMEM_LATENCY_BUCKETS; i++) {
		if (i)
			json_array_append_new(boundaries, number(pmem_bucket_from_ns(i)));
		json_array_append_new(bins, number(latency[i]));
	}
	return json_pack("{s:o,s:o}", "boundaries", boundaries, "bins", bins);
}

/* In MvmmPmemStats one counter of disks has another name than in --result. */
static const char *pmem_stat(const char *name)
{
	return strcmp(name, "coalesced") == 0 ? "flushes-coalesced" : name;
}

static json_t *query_pmem_stats(struct monitor *monitor)
{
	struct monitor_pmem_stats s;
	json_t *list = json_array();

	for (unsigned i = 0; monitor->ops->pmem_stats(monitor, i, &s) == 0; i++) {
		const struct device_counters *c = &s.counters;
		json_t *stats = json_pack("{s:o}", "id", json_text_string(c->id));

		for (unsigned k = 0; k < c->n; k++)
			json_object_set_new(stats, pmem_stat(c->list[k].name),
					    number(c->list[k].value));
		json_object_set_new(stats, "latency-histogram", histogram(s.latency));
		json_array_append_new(list, stats);
	}
	return list;
}

static json_t *query_counters(struct monitor *monitor)
{
	struct device_counters c;
	json_t *answer = json_array();

	for (unsigned i = 0; monitor->ops->counters(monitor, i, &c) == 0; i++) {
		json_t *list = json_array();

		for (unsigned k = 0; k < c.n; k++)
			json_array_append_new(list, json_pack("{s:s,s:o}", "name", c.list[k].name,
							      "value", number(c.list[k].value)));
		json_array_append_new(answer, json_pack("{s:s,s:o}", "id", c.id, "counters", list));
	}
	return answer;
}

static json_t *query_commands(struct monitor *monitor)
{
	const struct qmp_command *command;
	json_t *list = json_array();

	for (unsigned i = 0; (command = qmp_commands_get(i)); i++)
		json_array_append_new(list, json_pack("{s:s}", "name", command->name));
	return list;
}

static int system_reset(struct monitor *monitor, struct error *err)
{
	return monitor->ops->reset(monitor, err);
}

static int quit(struct monitor *monitor, struct error *err)
{
	monitor->ops->quit(monitor);
	return 0;
}

static int object_add(struct monitor *monitor, json_t *arguments, struct error *err)
{
	struct memory_backend backend = { 0 };
	int ret = fill(memory_backend_properties, &backend, arguments, err);

	return ret < 0 ? ret : monitor->ops->object_add(monitor, &backend, err);
}

static int device_add(struct monitor *monitor, json_t *arguments, struct error *err)
{
	const char *driver = string_argument(arguments, "driver");
	struct memory_device device = { 0 };
	int ret;

	if (strcmp(driver, "virtio-pmem") != 0)
		return error_set(err, EINVAL, "'%s' is not a valid device model name", driver);
	ret = fill(memory_device_properties, &device, arguments, err);
	return ret < 0 ? ret : monitor_device_add(monitor, &device, err);
}

static int device_del(struct monitor *monitor, json_t *arguments, struct error *err)
{
	return monitor_device_del(monitor, string_argument(arguments, "id"), err);
}

#define NONE QMP_TYPE_EMPTY

/* Those without a function are in qmp.c. They are here to be listed and checked. */
static const struct qmp_command commands[] = {
	{ "qmp_capabilities", "CapabilitiesArguments", NONE, .query = NULL },
	{ "closefd", "NamedFileArguments", NONE, .query = NULL },
	{ "cont", NONE, NONE, .act = monitor_resume },
	{ "device_add", "DeviceAddArguments", NONE, .run = device_add, .open = true },
	{ "device_del", "DeviceDelArguments", NONE, .run = device_del },
	{ "getfd", "NamedFileArguments", NONE, .query = NULL },
	{ "human-monitor-command", "HumanMonitorArguments", "str", .query = NULL },
	{ "object-add", "ObjectOptions", NONE, .run = object_add },
	{ "query-commands", NONE, "[CommandInfo]", .query = query_commands },
	{ "query-counters", NONE, "[MvmmDeviceCounters]", .query = query_counters },
	{ "query-cpus-fast", NONE, "[CpuInfoFast]", .query = query_cpus_fast },
	{ "query-kvm", NONE, "KvmInfo", .query = query_kvm },
	{ "query-memory-devices", NONE, "[MemoryDeviceInfo]", .query = query_memory_devices },
	{ "query-memory-size-summary", NONE, "MemoryInfo", .query = query_memory_size_summary },
	{ "query-name", NONE, "NameInfo", .query = query_name },
	{ "query-pmem-stats", NONE, "[MvmmPmemStats]", .query = query_pmem_stats },
	{ "query-qmp-schema", NONE, "[SchemaInfo]", .query = NULL },
	{ "query-status", NONE, "StatusInfo", .query = query_status },
	{ "query-uuid", NONE, "UuidInfo", .query = query_uuid },
	{ "query-version", NONE, "VersionInfo", .query = query_version },
	{ "quit", NONE, NONE, .act = quit },
	{ "stop", NONE, NONE, .act = monitor_pause },
	{ "system_powerdown", NONE, NONE, .act = monitor_powerdown },
	{ "system_reset", NONE, NONE, .act = system_reset },
	{ "vm-fork", "MvmmForkArguments", NONE, .query = NULL },
	{ "vm-reset", NONE, NONE, .act = monitor_reset_in_place },
	{ "vm-save", "MvmmSaveArguments", NONE, .query = NULL },
};

const struct qmp_command *qmp_commands_get(unsigned i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

const struct qmp_command *qmp_commands_find(const char *name)
{
	for (unsigned i = 0; qmp_commands_get(i); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int qmp_commands_run(const struct qmp_command *command, struct monitor *monitor, json_t *arguments,
		     json_t **ret_answer, struct error *err)
{
	json_t *given = arguments ? json_incref(arguments) : json_object();
	int ret = qmp_types_check(qmp_types_find(command->arguments), given, command->open, err);

	*ret_answer = NULL;
	if (ret == 0 && command->query)
		*ret_answer = command->query(monitor);
	else if (ret == 0 && command->act)
		ret = command->act(monitor, err);
	else if (ret == 0 && command->run)
		ret = command->run(monitor, given, err);
	json_decref(given);
	return ret;
}
