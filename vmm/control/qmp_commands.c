// SPDX-License-Identifier: Apache-2.0
/* QMP's commands. Start reading at the table, at the end. */
#include "vmm/control/qmp_commands.h"

#include "vmm/base/buffer.h"
#include "vmm/control/hmp.h"
#include "vmm/control/qmp_json.h"
#include "vmm/control/qmp_schema.h"
#include "vmm/control/qmp_types.h"

#include <errno.h>
#include <string.h>

/* Of arguments that fit their type. */
static const char *string_argument(json_t *arguments, const char *name)
{
	const char *text = json_string_value(json_object_get(arguments, name));

	return text ? text : "";
}

static uint64_t size_argument(json_t *arguments, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(arguments, name));
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static int query_memory_devices(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
				struct error *err)
{
	struct monitor_memory_device d;
	json_t *list = json_array();

	(void)arguments;
	(void)err;
	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &d) == 0; i++) {
		json_t *data = json_pack("{s:o,s:o,s:o}", "memdev", qmp_json_string(d.memdev),
					 "memaddr", number(d.memaddr), "size", number(d.size));

		if (*d.id)
			json_object_set_new(data, "id", qmp_json_string(d.id));
		json_array_append_new(list, json_pack("{s:s,s:o}", "type", d.type, "data", data));
	}
	*ret_answer = list;
	return 0;
}

static int query_memory_size_summary(struct monitor *monitor, json_t *arguments,
				     json_t **ret_answer, struct error *err)
{
	(void)arguments;
	(void)err;
	*ret_answer =
		json_pack("{s:o,s:o}", "base-memory", number(monitor->ops->base_memory(monitor)),
			  "plugged-memory", number(monitor_plugged_memory(monitor)));
	return 0;
}

static int query_status(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			struct error *err)
{
	enum monitor_state state = monitor->ops->state(monitor);

	(void)arguments;
	(void)err;
	*ret_answer = json_pack("{s:s,s:b,s:b}", "status", monitor_state_name(state), "singlestep",
				false, "running", state == MONITOR_RUNNING);
	return 0;
}

json_t *qmp_commands_version(void)
{
	return json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "micro", MONITOR_QEMU_MICRO, "minor",
			 MONITOR_QEMU_MINOR, "major", MONITOR_QEMU_MAJOR, "package",
			 MONITOR_PACKAGE);
}

static int query_version(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			 struct error *err)
{
	(void)monitor;
	(void)arguments;
	(void)err;
	*ret_answer = qmp_commands_version();
	return 0;
}

static int query_name(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		      struct error *err)
{
	struct monitor_identity identity = { 0 };

	(void)arguments;
	(void)err;
	monitor->ops->identity(monitor, &identity);
	*ret_answer = json_object();
	if (identity.name)
		json_object_set_new(*ret_answer, "name", qmp_json_string(identity.name));
	return 0;
}

static int query_uuid(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		      struct error *err)
{
	struct monitor_identity identity = { 0 };

	(void)arguments;
	(void)err;
	monitor->ops->identity(monitor, &identity);
	*ret_answer = json_pack("{s:s}", "UUID", identity.uuid ? identity.uuid : MONITOR_NO_UUID);
	return 0;
}

static int query_kvm(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		     struct error *err)
{
	(void)monitor;
	(void)arguments;
	(void)err;
	*ret_answer = json_pack("{s:b,s:b}", "enabled", true, "present", true);
	return 0;
}

static int query_cpus_fast(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			   struct error *err)
{
	struct monitor_identity identity = { 0 };
	json_t *list = json_array();
	struct monitor_node node;
	struct monitor_cpu cpu;
	bool numa = monitor->ops->node(monitor, 0, &node) == 0;

	(void)arguments;
	(void)err;
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
	*ret_answer = list;
	return 0;
}

static json_t *histogram(const struct monitor_pmem_stats *stats)
{
	json_t *boundaries = json_array(), *bins = json_array();

	for (unsigned i = 0; i < MONITOR_LATENCY_BUCKETS; i++) {
		if (i)
			json_array_append_new(boundaries, number(monitor_latency_from_ns(i)));
		json_array_append_new(bins, number(stats->latency[i]));
	}
	return json_pack("{s:o,s:o}", "boundaries", boundaries, "bins", bins);
}

static int query_pmem_stats(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			    struct error *err)
{
	struct monitor_pmem_stats s;
	json_t *list = json_array();

	(void)arguments;
	(void)err;
	for (unsigned i = 0; monitor->ops->pmem_stats(monitor, i, &s) == 0; i++)
		json_array_append_new(
			list,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", qmp_json_string(s.id),
				  "flushes", number(s.flushes), "flush-errors",
				  number(s.flush_errors), "flushes-coalesced", number(s.coalesced),
				  "fdatasyncs", number(s.fdatasyncs), "stores-dropped",
				  number(s.stores_dropped), "latency-histogram", histogram(&s)));
	*ret_answer = list;
	return 0;
}

static int query_counters(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			  struct error *err)
{
	struct device_counters c;

	(void)arguments;
	(void)err;
	*ret_answer = json_array();
	for (unsigned i = 0; monitor->ops->counters(monitor, i, &c) == 0; i++) {
		json_t *list = json_array();

		for (unsigned k = 0; k < c.n; k++)
			json_array_append_new(list, json_pack("{s:s,s:o}", "name", c.list[k].name,
							      "value", number(c.list[k].value)));
		json_array_append_new(*ret_answer,
				      json_pack("{s:s,s:o}", "id", c.id, "counters", list));
	}
	return 0;
}

static int query_commands(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			  struct error *err)
{
	const struct qmp_command *command;

	(void)monitor;
	(void)arguments;
	(void)err;
	*ret_answer = json_array();
	for (unsigned i = 0; (command = qmp_commands_get(i)); i++)
		json_array_append_new(*ret_answer, json_pack("{s:s}", "name", command->name));
	return 0;
}

static int query_qmp_schema(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			    struct error *err)
{
	(void)monitor;
	(void)arguments;
	(void)err;
	*ret_answer = qmp_schema();
	return 0;
}

static int stop(struct monitor *monitor, json_t *arguments, json_t **ret_answer, struct error *err)
{
	(void)arguments;
	(void)ret_answer;
	return monitor_pause(monitor, err);
}

static int cont(struct monitor *monitor, json_t *arguments, json_t **ret_answer, struct error *err)
{
	(void)arguments;
	(void)ret_answer;
	return monitor_resume(monitor, err);
}

static int system_powerdown(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			    struct error *err)
{
	(void)arguments;
	(void)ret_answer;
	return monitor_powerdown(monitor, err);
}

static int system_reset(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
			struct error *err)
{
	(void)arguments;
	(void)ret_answer;
	return monitor->ops->reset(monitor, err);
}

static int quit(struct monitor *monitor, json_t *arguments, json_t **ret_answer, struct error *err)
{
	(void)arguments;
	(void)ret_answer;
	(void)err;
	monitor->ops->quit(monitor);
	return 0;
}

static int human_monitor_command(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
				 struct error *err)
{
	json_t *cpu_index = json_object_get(arguments, "cpu-index");
	struct buffer out = { 0 }, crlf = { 0 };
	struct monitor_cpu cpu;
	int ret;

	if (cpu_index &&
	    (json_integer_value(cpu_index) < 0 ||
	     monitor->ops->cpu(monitor, (unsigned)json_integer_value(cpu_index), &cpu) < 0))
		return error_set(err, EINVAL, "Parameter 'cpu-index' expects a CPU number");
	ret = hmp_run(monitor, string_argument(arguments, "command-line"), &out);
	buffer_append_crlf(&crlf, buffer_text(&out), out.len);
	*ret_answer = qmp_json_string(buffer_text(&crlf));
	buffer_fini(&out);
	buffer_fini(&crlf);
	return ret;
}

static int object_add(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		      struct error *err)
{
	const struct monitor_backend backend = {
		.id = string_argument(arguments, "id"),
		.mem_path = string_argument(arguments, "mem-path"),
		.size = size_argument(arguments, "size"),
		.share = json_is_true(json_object_get(arguments, "share")),
		.readonly = json_is_true(json_object_get(arguments, "readonly")),
		.unlocked = json_is_false(json_object_get(arguments, "lock")),
	};

	(void)ret_answer;
	return monitor_object_add(monitor, &backend, err);
}

/* Of the one driver that there is, an argument that it does not know is a property it lacks. */
static int check_properties(json_t *arguments, struct error *err)
{
	const struct qmp_member *known = qmp_types_find("DeviceAddArguments")->members;
	const char *key;
	json_t *value;

	json_object_foreach(arguments, key, value)
	{
		const struct qmp_member *m = known;

		while (m->name && strcmp(m->name, key) != 0)
			m++;
		if (!m->name)
			return error_set(err, EINVAL, "Property 'virtio-pmem.%s' not found", key);
	}
	return 0;
}

static int device_add(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		      struct error *err)
{
	const char *driver = string_argument(arguments, "driver");
	uint64_t node = size_argument(arguments, "node");
	const struct monitor_new_device device = {
		.id = string_argument(arguments, "id"),
		.memdev = string_argument(arguments, "memdev"),
		.memaddr = size_argument(arguments, "memaddr"),
		.node = (unsigned)node,
	};
	int ret;

	(void)ret_answer;
	if (strcmp(driver, "virtio-pmem") != 0)
		return error_set(err, EINVAL, "'%s' is not a valid device model name", driver);
	ret = check_properties(arguments, err);
	if (ret < 0)
		return ret;
	if (node > INT32_MAX)
		return error_set(err, EINVAL, "Parameter 'node' expects a NUMA node's number");
	return monitor_device_add(monitor, &device, err);
}

static int device_del(struct monitor *monitor, json_t *arguments, json_t **ret_answer,
		      struct error *err)
{
	(void)ret_answer;
	return monitor_device_del(monitor, string_argument(arguments, "id"), err);
}

/* qmp.c looks after qmp_capabilities itself; it is here so that it is listed. */
static const struct qmp_command commands[] = {
	{ "qmp_capabilities", "CapabilitiesArguments", QMP_TYPE_EMPTY, NULL, false },
	{ "cont", QMP_TYPE_EMPTY, QMP_TYPE_EMPTY, cont, false },
	{ "device_add", "DeviceAddArguments", QMP_TYPE_EMPTY, device_add, true },
	{ "device_del", "DeviceDelArguments", QMP_TYPE_EMPTY, device_del, false },
	{ "human-monitor-command", "HumanMonitorArguments", "str", human_monitor_command, false },
	{ "object-add", "ObjectOptions", QMP_TYPE_EMPTY, object_add, false },
	{ "query-commands", QMP_TYPE_EMPTY, "[CommandInfo]", query_commands, false },
	{ "query-counters", QMP_TYPE_EMPTY, "[MvmmDeviceCounters]", query_counters, false },
	{ "query-cpus-fast", QMP_TYPE_EMPTY, "[CpuInfoFast]", query_cpus_fast, false },
	{ "query-kvm", QMP_TYPE_EMPTY, "KvmInfo", query_kvm, false },
	{ "query-memory-devices", QMP_TYPE_EMPTY, "[MemoryDeviceInfo]", query_memory_devices,
	  false },
	{ "query-memory-size-summary", QMP_TYPE_EMPTY, "MemoryInfo", query_memory_size_summary,
	  false },
	{ "query-name", QMP_TYPE_EMPTY, "NameInfo", query_name, false },
	{ "query-pmem-stats", QMP_TYPE_EMPTY, "[MvmmPmemStats]", query_pmem_stats, false },
	{ "query-qmp-schema", QMP_TYPE_EMPTY, "[SchemaInfo]", query_qmp_schema, false },
	{ "query-status", QMP_TYPE_EMPTY, "StatusInfo", query_status, false },
	{ "query-uuid", QMP_TYPE_EMPTY, "UuidInfo", query_uuid, false },
	{ "query-version", QMP_TYPE_EMPTY, "VersionInfo", query_version, false },
	{ "quit", QMP_TYPE_EMPTY, QMP_TYPE_EMPTY, quit, false },
	{ "stop", QMP_TYPE_EMPTY, QMP_TYPE_EMPTY, stop, false },
	{ "system_powerdown", QMP_TYPE_EMPTY, QMP_TYPE_EMPTY, system_powerdown, false },
	{ "system_reset", QMP_TYPE_EMPTY, QMP_TYPE_EMPTY, system_reset, false },
};

const struct qmp_command *qmp_commands_get(unsigned i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? &commands[i] : NULL;
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
	if (ret == 0 && command->run)
		ret = command->run(monitor, given, ret_answer, err);
	json_decref(given);
	return ret;
}
