// SPDX-License-Identifier: Apache-2.0
/* QMP's commands: answers and errors to the byte, and that the schema tells the truth about them.
 */
#include "vmm/control/qmp_commands.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/qmp_events.h"
#include "vmm/control/qmp_json.h"
#include "vmm/control/qmp_types.h"

TestSuite(qmp_commands, .timeout = 10);

static struct fake_vm vm;

static void setup(void)
{
	fake_vm_init(&vm);
}

/* The answer, or "CODE: text" of an error; single quotes in @arguments stand for double ones. */
static const char *run(const char *name, const char *arguments)
{
	static struct buffer out;
	const struct qmp_command *command = qmp_commands_find(name);
	json_t *given = NULL, *answer = NULL;
	struct error err = { 0 };
	char text[512];
	int ret;

	cr_assert(command, "%s", name);
	snprintf(text, sizeof(text), "%s", arguments);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (*text)
		check_eq(qmp_json_parse(text, strlen(text), &given, &err), 0, "%s", err.text);
	ret = qmp_commands_run(command, &vm.monitor, given, &answer, &err);
	buffer_fini(&out);
	if (ret < 0)
		buffer_printf(&out, "%s: %s", strerrorname_np(-ret), err.text);
	else if (answer)
		qmp_json_print(answer, &out);
	else
		buffer_printf(&out, "{}");
	json_decref(answer);
	json_decref(given);
	if (ret >= 0 && out.len > 2 && out.data[out.len - 1] == '\n')
		out.len -= 2;
	return buffer_text(&out);
}

Test(qmp_commands, queries, .init = setup)
{
	check_str(run("query-status", ""),
		  "{\"status\":\"running\",\"singlestep\":false,\"running\":true}");
	vm.state = MONITOR_PAUSED;
	check_str(run("query-status", "{}"),
		  "{\"status\":\"paused\",\"singlestep\":false,\"running\":false}");
	check_str(run("query-memory-size-summary", ""),
		  "{\"base-memory\":8589934592,\"plugged-memory\":67108864}");
	check_str(run("query-version", ""),
		  "{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},\"package\":\"mvmm 0.1.0\"}");
	check_str(run("query-name", ""), "{}");
	check_str(run("query-uuid", ""), "{\"UUID\":\"00000000-0000-0000-0000-000000000000\"}");
	vm.identity.name = "caf\xc3\xa9 \xff";
	vm.identity.uuid = "12345678-1234-1234-1234-123456789abc";
	check_str(run("query-name", ""), "{\"name\":\"caf?? ?\"}");
	check_str(run("query-uuid", ""), "{\"UUID\":\"12345678-1234-1234-1234-123456789abc\"}");
	check_str(run("query-kvm", ""), "{\"enabled\":true,\"present\":true}");
}

Test(qmp_commands, cpus, .init = setup)
{
	check_str(run("query-cpus-fast", ""),
		  "[{\"thread-id\":1000,\"props\":{\"node-id\":0},\"qom-path\":"
		  "\"/machine/unattached/device[0]\",\"cpu-index\":0,\"target\":\"x86_64\"},"
		  "{\"thread-id\":1001,\"props\":{\"node-id\":0},\"qom-path\":"
		  "\"/machine/unattached/device[1]\",\"cpu-index\":1,\"target\":\"x86_64\"}]");
	vm.n_nodes = 0;
	vm.n_cpus = 1;
	check_str(run("query-cpus-fast", ""),
		  "[{\"thread-id\":1000,\"props\":{},\"qom-path\":"
		  "\"/machine/unattached/device[0]\",\"cpu-index\":0,\"target\":\"x86_64\"}]");
}

Test(qmp_commands, pmem_stats, .init = setup)
{
	check_str(run("query-pmem-stats", ""),
		  "[{\"id\":\"nv1\",\"flushes\":7,\"flush-errors\":1,\"flushes-coalesced\":2,"
		  "\"fdatasyncs\":6,\"stores-dropped\":3,\"latency-histogram\":{\"boundaries\":"
		  "[2000,4000,8000,16000,32000,64000,128000,256000,512000,1024000,2048000,4096000,"
		  "8192000,16384000,32768000,65536000,131072000,262144000,524288000,1048576000,"
		  "2097152000,4194304000,8388608000],\"bins\":"
		  "[1,0,4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}}]");
}

Test(qmp_commands, counters, .init = setup)
{
	check_str(run("query-counters", ""),
		  "[{\"id\":\"rng\",\"counters\":[{\"name\":\"bytes\",\"value\":1099511627776}]},"
		  "{\"id\":\"net0\",\"counters\":[{\"name\":\"received\",\"value\":5},"
		  "{\"name\":\"sent\",\"value\":6}]}]");
}

Test(qmp_commands, object_add, .init = setup)
{
	static const struct {
		const char *arguments, *answer;
	} cases[] = {
		{ "", "EINVAL: Parameter 'qom-type' is missing" },
		{ "{'qom-type':5}",
		  "EINVAL: Invalid parameter type for 'qom-type', expected: string" },
		{ "{'qom-type':'foo','id':'x'}",
		  "EINVAL: Parameter 'qom-type' does not accept value 'foo'" },
		{ "{'qom-type':'memory-backend-file'}", "EINVAL: Parameter 'id' is missing" },
		{ "{'qom-type':'memory-backend-file','id':'m2'}",
		  "EINVAL: Parameter 'size' is missing" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':'1M'}",
		  "EINVAL: Parameter 'size' expects uint64" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':-1}",
		  "EINVAL: Parameter 'size' expects uint64" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':1.5}",
		  "EINVAL: Parameter 'size' expects uint64" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':4096}",
		  "EINVAL: Parameter 'mem-path' is missing" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':4096,'mem-path':'/a\\u0000b'}",
		  "EINVAL: Parameter 'mem-path' contains a NUL character" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':4096,'mem-path':'f',"
		  "'share':'on'}",
		  "EINVAL: Invalid parameter type for 'share', expected: boolean" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':4096,'mem-path':'f',"
		  "'share':true,'xx':1}",
		  "EINVAL: Parameter 'xx' is unexpected" },
		{ "{'qom-type':'memory-backend-file','id':'m 2','size':4096,'mem-path':'f'}",
		  "EINVAL: Parameter 'id' expects an identifier" },
		{ "{'qom-type':'memory-backend-file','id':'','size':4096,'mem-path':'f'}",
		  "EINVAL: Parameter 'id' expects an identifier" },
		{ "{'qom-type':'memory-backend-file','id':'2m','size':4096,'mem-path':'f'}",
		  "EINVAL: Parameter 'id' expects an identifier" },
		{ "{'qom-type':'memory-backend-file','id':'m2','size':0,'mem-path':'f'}",
		  "EINVAL: property 'size' of memory-backend-file doesn't take value '0'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_str(run("object-add", cases[i].arguments), cases[i].answer);
	check_eq(vm.n_backends, 0);
	check_str(run("object-add", "{'qom-type':'memory-backend-file','id':'m2','size':4096,"
				    "'mem-path':'/f','share':true}"),
		  "{}");
	check_str(vm.backend_id, "m2");
	check_str(vm.backend_path, "/f");
	check_eq(vm.backend.size, 4096);
	check_eq(vm.backend.share, true);
	check_eq(vm.backend.readonly, false);
	check_eq(vm.backend.unlocked, false);
	/* QEMU's default is a private mapping. */
	check_str(run("object-add", "{'qom-type':'memory-backend-file','id':'m-3.x_','size':4096,"
				    "'mem-path':'/f','readonly':true,'lock':false}"),
		  "{}");
	check_eq(vm.backend.unlocked, true);
	check_eq(vm.backend.share, false);
	check_eq(vm.backend.readonly, true);
	fake_vm_refuse(&vm, EEXIST,
		       "attempt to add duplicate property 'm2' to object (type 'container')");
	check_str(run("object-add", "{'qom-type':'memory-backend-file','id':'m2','size':4096,"
				    "'mem-path':'/f','share':true}"),
		  "EEXIST: attempt to add duplicate property 'm2' to object (type 'container')");
}

Test(qmp_commands, device_add, .init = setup)
{
	static const struct {
		const char *arguments, *answer;
	} cases[] = {
		{ "", "EINVAL: Parameter 'driver' is missing" },
		{ "{'driver':'foo','x':1}", "EINVAL: 'foo' is not a valid device model name" },
		{ "{'driver':'virtio-pmem'}", "EINVAL: 'memdev' property must be set" },
		{ "{'driver':'virtio-pmem','memdev':'nope'}", "ENODEV: Device 'nope' not found" },
		{ "{'driver':'virtio-pmem','memdev':'m2','id':'nv1'}",
		  "EEXIST: Duplicate device ID 'nv1'" },
		{ "{'driver':'virtio-pmem','memdev':'m2','id':'nv 1'}",
		  "EINVAL: Parameter 'id' expects an identifier" },
		{ "{'driver':'virtio-pmem','memdev':'m2','id':'nv2','foo':'bar'}",
		  "EINVAL: Property 'virtio-pmem.foo' not found" },
		{ "{'driver':'virtio-pmem','memdev':'m2','node':-1}",
		  "EINVAL: Parameter 'node' expects a NUMA node's number" },
		{ "{'driver':'virtio-pmem','memdev':'m2','memaddr':'x'}",
		  "EINVAL: Parameter 'memaddr' expects uint64" },
	};

	run("object-add",
	    "{'qom-type':'memory-backend-file','id':'m2','size':4096,'mem-path':'f'}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_str(run("device_add", cases[i].arguments), cases[i].answer);
	check_eq(vm.n_devices, 1);
	check_str(run("device_add", "{'driver':'virtio-pmem','memdev':'m2','id':'nv2',"
				    "'memaddr':10737418240,'node':1}"),
		  "{}");
	check_eq(vm.devices[1].memaddr, 10737418240);
	check_eq(vm.devices[1].node, 1);
	/* Two without a name are no duplicates. */
	check_str(run("device_add", "{'driver':'virtio-pmem','memdev':'m2'}"), "{}");
	check_str(run("device_add", "{'driver':'virtio-pmem','memdev':'m2'}"), "{}");
	check_str(vm.devices[3].id, "");
	check_eq(vm.devices[3].memaddr, 0);
}

Test(qmp_commands, device_del, .init = setup)
{
	check_str(run("device_del", ""), "EINVAL: Parameter 'id' is missing");
	check_str(run("device_del", "{'id':'nope'}"), "ENODEV: Device 'nope' not found");
	check_str(run("device_del", "{'id':'nv1'}"),
		  "EOPNOTSUPP: virtio based memory devices cannot be unplugged.");
	vm.devices[0].id = "";
	check_str(run("device_del", "{'id':''}"), "ENODEV: Device '' not found");
}

Test(qmp_commands, human_monitor_command, .init = setup)
{
	check_str(run("human-monitor-command", ""), "EINVAL: Parameter 'command-line' is missing");
	check_str(run("human-monitor-command", "{'command-line':5}"),
		  "EINVAL: Invalid parameter type for 'command-line', expected: string");
	check_str(run("human-monitor-command", "{'command-line':'','cpu-index':'0'}"),
		  "EINVAL: Invalid parameter type for 'cpu-index', expected: integer");
	check_str(run("human-monitor-command", "{'command-line':'','cpu-index':2}"),
		  "EINVAL: Parameter 'cpu-index' expects a CPU number");
	check_str(run("human-monitor-command", "{'command-line':'','cpu-index':-1}"),
		  "EINVAL: Parameter 'cpu-index' expects a CPU number");
	check_str(run("human-monitor-command", "{'command-line':'info status','cpu-index':1}"),
		  "\"VM status: running\\r\\n\"");
	check_str(run("human-monitor-command", "{'command-line':''}"), "\"\"");
	check_str(run("human-monitor-command", "{'command-line':'foo'}"),
		  "\"unknown command: 'foo'\\r\\n\"");
	check_str(run("human-monitor-command", "{'command-line':'info memory-devices'}"),
		  "\"Memory device [virtio-pmem]: \\\"nv1\\\"\\r\\n  memaddr: 0x240000000\\r\\n"
		  "  size: 67108864\\r\\n  memdev: /objects/mem1\\r\\n\"");
}

Test(qmp_commands, refused_actions, .init = setup)
{
	static const char *const actions[] = { "stop", "system_powerdown", "system_reset" };

	fake_vm_refuse(&vm, EBUSY, "not now");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		check_str(run(actions[i], ""), "EBUSY: not now");
	vm.state = MONITOR_PAUSED;
	check_str(run("cont", ""), "EBUSY: not now");
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
Test(qmp_commands, schema_is_true, .init = setup)
{
	const struct qmp_command *command;

	for (unsigned i = 0; (command = qmp_commands_get(i)); i++) {
		struct error err = { 0 };
		json_t *answer;

		cr_assert(qmp_types_find(command->arguments), "%s", command->name);
		if (strcmp(command->arguments, QMP_TYPE_EMPTY) != 0)
			continue;
		check_eq(qmp_commands_run(command, &vm.monitor, NULL, &answer, &err), 0, "%s: %s",
			 command->name, err.text);
		if (!answer)
			answer = json_object();
		check_fits(answer, command->answer, command->name);
		json_decref(answer);
	}
	for (unsigned type = 0; type < MONITOR_EVENT_TYPES; type++) {
		const struct monitor_io_error io_error = {
			.id = "nv1", .file = "disk.img", .has_offset = true, .reason = "why"
		};
		const struct monitor_event event = { .type = type,
						     .cause = MONITOR_GUEST_RESET,
						     .action = "pause",
						     .id = "nv1",
						     .error = EIO,
						     .io_error = &io_error };
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
Test(qmp_commands, schema_is_complete, .init = setup)
{
	static const char *const references[] = { "arg-type", "ret-type", "element-type" };
	json_t *schema, *item, *member;
	struct error err;
	size_t i, k;

	qmp_commands_run(qmp_commands_find("query-qmp-schema"), &vm.monitor, NULL, &schema, &err);
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

Test(qmp_commands, list_of_commands, .init = setup)
{
	const char *list = run("query-commands", "");
	const struct qmp_command *command;
	char name[64];

	for (unsigned i = 0; (command = qmp_commands_get(i)); i++) {
		snprintf(name, sizeof(name), "{\"name\":\"%s\"}", command->name);
		check_contains(list, name);
	}
}
