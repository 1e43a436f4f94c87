// SPDX-License-Identifier: Apache-2.0
/* QMP's commands: answers and errors to the byte. */
#include "vmm/control/qmp_commands.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/base/json_text.h"

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
		check_eq(json_text_parse(text, strlen(text), &given, &err), 0, "%s", err.text);
	ret = qmp_commands_run(command, &vm.monitor, given, &answer, &err);
	buffer_fini(&out);
	if (ret < 0)
		buffer_printf(&out, "%s: %s", strerrorname_np(-ret), err.text);
	else if (answer)
		json_text_print(answer, &out);
	else
		buffer_printf(&out, "{}");
	json_decref(answer);
	json_decref(given);
	if (ret >= 0 && out.len > 2 && out.data[out.len - 1] == '\n')
		out.len -= 2;
	return buffer_text(&out);
}

/* Whether @actual has all that is in @wanted: objects may have more members, in any order. */
static bool has_members(const json_t *actual, json_t *wanted)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(wanted)) {
		if (json_array_size(actual) != json_array_size(wanted))
			return false;
		json_array_foreach(wanted, i, value)
		{
			if (!has_members(json_array_get(actual, i), value))
				return false;
		}
		return true;
	}
	if (!json_is_object(wanted))
		return json_equal(actual, wanted);
	json_object_foreach(wanted, key, value)
	{
		if (!has_members(json_object_get(actual, key), value))
			return false;
	}
	return json_is_object(actual);
}

/* Single quotes in @wanted stand for double ones, too. */
static void answers(const char *name, const char *arguments, const char *wanted)
{
	const char *answer = run(name, arguments);
	json_t *actual = json_loads(answer, 0, NULL), *expected;
	char text[2048];

	snprintf(text, sizeof(text), "%s", wanted);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	expected = json_loads(text, 0, NULL);
	cr_assert(expected, "%s", text);
	cr_assert(actual && has_members(actual, expected), "%s: %s instead of %s", name, answer,
		  text);
	json_decref(actual);
	json_decref(expected);
}

Test(qmp_commands, queries, .init = setup)
{
	answers("query-status", "", "{'status':'running','singlestep':false,'running':true}");
	vm.state = MONITOR_PAUSED;
	answers("query-status", "{}", "{'status':'paused','singlestep':false,'running':false}");
	answers("query-memory-size-summary", "",
		"{'base-memory':8589934592,'plugged-memory':67108864}");
	answers("query-version", "",
		"{'qemu':{'micro':0,'minor':2,'major':7},'package':'" MONITOR_PACKAGE "'}");
	check_str(run("query-name", ""), "{}");
	answers("query-uuid", "", "{'UUID':'00000000-0000-0000-0000-000000000000'}");
	vm.identity.name = "caf\xc3\xa9 \xff";
	vm.identity.uuid = "12345678-1234-1234-1234-123456789abc";
	answers("query-name", "", "{'name':'caf?? ?'}");
	answers("query-uuid", "", "{'UUID':'12345678-1234-1234-1234-123456789abc'}");
	answers("query-kvm", "", "{'enabled':true,'present':true}");
}

Test(qmp_commands, cpus, .init = setup)
{
	answers("query-cpus-fast", "",
		"[{'thread-id':1000,'props':{'node-id':0},'qom-path':"
		"'/machine/unattached/device[0]','cpu-index':0,'target':'x86_64'},"
		"{'thread-id':1001,'props':{'node-id':0},'qom-path':"
		"'/machine/unattached/device[1]','cpu-index':1,'target':'x86_64'}]");
	vm.n_nodes = 0;
	vm.n_cpus = 1;
	answers("query-cpus-fast", "",
		"[{'thread-id':1000,'props':{},'qom-path':'/machine/unattached/device[0]',"
		"'cpu-index':0,'target':'x86_64'}]");
	cr_assert(strstr(run("query-cpus-fast", ""), "node-id") == NULL, "there are no nodes");
}

Test(qmp_commands, pmem_stats, .init = setup)
{
	answers("query-pmem-stats", "",
		"[{'id':'nv1','flushes':7,'flush-errors':1,'flushes-coalesced':2,'fdatasyncs':6,"
		"'stores-dropped':3,'latency-histogram':{'boundaries':"
		"[2000,4000,8000,16000,32000,64000,128000,256000,512000,1024000,2048000,4096000,"
		"8192000,16384000,32768000,65536000,131072000,262144000,524288000,1048576000,"
		"2097152000,4194304000,8388608000],"
		"'bins':[1,0,4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}}]");
}

Test(qmp_commands, counters, .init = setup)
{
	answers("query-counters", "",
		"[{'id':'rng','counters':[{'name':'bytes','value':1099511627776}]},"
		"{'id':'net0','counters':[{'name':'received','value':5},"
		"{'name':'sent','value':6}]}]");
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
	check_str(run("device_add", "{'driver':'virtio-pmem','memdev':'m2','id':''}"), "{}");
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

/* The session runs them; the table checks their arguments. */
Test(qmp_commands, arguments_of_the_session_s_commands, .init = setup)
{
	check_str(run("human-monitor-command", ""), "EINVAL: Parameter 'command-line' is missing");
	check_str(run("human-monitor-command", "{'command-line':5}"),
		  "EINVAL: Invalid parameter type for 'command-line', expected: string");
	check_str(run("human-monitor-command", "{'command-line':'','cpu-index':'0'}"),
		  "EINVAL: Invalid parameter type for 'cpu-index', expected: integer");
	check_str(run("human-monitor-command", "{'command-line':'stop'}"), "{}");
	check_eq(vm.state, MONITOR_RUNNING);
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
