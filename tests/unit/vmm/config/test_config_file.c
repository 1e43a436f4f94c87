// SPDX-License-Identifier: Apache-2.0
/* Options from JSON: every type of value, what the command line overrides, and files that lie. */
#include "vmm/config/config_file.h"

#include "tests/support/check.h"
#include "vmm/config/config_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(config_file, .timeout = 10);

static struct config config;
static struct error err;
static char where[32];

/* Parses "--config FILE" and the words of @line, with @len bytes of @json in the file. */
static int parse_bytes(const char *json, size_t len, const char *line)
{
	static char name[] = "mvmm", option[] = "--config", text[256];
	char *argv[20] = { name, option, where };
	int argc = 3, fd = memfd_create("config", 0);

	check_eq(write(fd, json, len), len);
	snprintf(where, sizeof(where), "/proc/self/fd/%d", fd);
	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	err.text[0] = '\0';
	config_fini(&config);
	return config_parse(&config, argc, argv, &err);
}

static int parse(const char *json, const char *line)
{
	return parse_bytes(json, strlen(json), line);
}

static void parsed(const char *json, const char *line)
{
	check_eq(parse(json, line), 0, "%s: %s", json, err.text);
}

Test(config_file, all_types)
{
	parsed("{\"kernel\": \"k,k\", \"memory\": 512, \"cpus\": \"3\", \"rng\": true, "
	       "\"boot-timer\": false, \"append\": \"a=b,c \\u00e4\", \"timeout\": 7, \"life-fd\": 0, "
	       "\"sandbox\": false, \"qmp\": [\"unix:a\", \"unix:b\"], \"monitor\": \"unix:c\"}",
	       "");
	check_str(config.kernel, "k,k");
	check_eq(config.memory, 512 << 20);
	check_eq(config.cpus, 3);
	check_eq(config.rng, true);
	check_eq(config.boot_timer, false);
	check_str(config.append, "a=b,c \xc3\xa4");
	check_eq(config.timeout, 7);
	check_eq(config.life_fd, 0);
	check_eq(config.sandbox.mode, SANDBOX_OFF);
	check_eq(config.n_controls, 3);
	check_str(config.controls[1].where, "unix:b");
	check_eq(config.controls[2].hmp, true);
	config_fini(&config);
	config_fini(&config);
}

Test(config_file, keys)
{
	parsed("{\"kernel\": \"k\", \"cpus\": {\"cpus\": 4, \"sockets\": \"2\"}, \"memory\": {\"size\": \"1G\", \"maxmem\": \"4G\"}, "
	       "\"pmem\": [{\"file\": \"a,,b=c\", \"size\": 4096, \"share\": false, "
	       "\"id\": \"x\"}, \"d,readonly=on\"], \"sandbox\": {\"mode\": true, \"allow\": "
	       "[\"/a,b\", \"/c\"]}, \"numa\": [{\"node\": 0, \"cpus\": [\"0-1\", 2], "
	       "\"memory\": \"1G\"}, \"node=1,cpus=3\"], \"object\": {\"qom-type\": "
	       "\"memory-backend-file\", \"id\": \"m\", \"mem-path\": \"e\", \"size\": \"2M\", "
	       "\"share\": true}, \"device\": {\"driver\": \"virtio-pmem\", \"memdev\": \"m\"}}",
	       "");
	check_eq(config.cpus, 4);
	check_eq(config.topology.sockets, 2);
	check_eq(config.topology.cores, 2);
	check_eq(config.memory, 1 << 30);
	check_eq(config.maxmem, 4ULL << 30);
	check_eq(config.n_pmem, 3);
	check_str(config.pmem[0].file, "a,,b=c");
	check_eq(config.pmem[0].size, 4096);
	check_eq(config.pmem[0].share, false);
	check_str(config.pmem[1].file, "d");
	check_eq(config.pmem[1].readonly, true);
	check_str(config.pmem[2].file, "e");
	check_eq(config.sandbox.mode, SANDBOX_ON);
	check_eq(config.sandbox.n_allowed, 2);
	check_str(config.sandbox.allowed[0], "/a,b");
	check_eq(config.nodes[0].cpus, 7);
	check_eq(config.nodes[1].cpus, 8);
	config_fini(&config);
}

Test(config_file, command_line_has_the_last_word)
{
	static const char json[] =
		"{\"kernel\": \"k\", \"memory\": {\"size\": \"1G\", \"maxmem\": \"2G\"}, \"pmem\": "
		"\"a\", \"sandbox\": {\"allow\": \"/x\"}, \"cpus\": 99}";

	parsed(json, "-m 64M -p b -c 2 --sandbox=log");
	check_str(config.kernel, "k");
	check_eq(config.memory, 64 << 20);
	check_eq(config.maxmem, 0);
	check_eq(config.cpus, 2);
	check_eq(config.sandbox.mode, SANDBOX_LOG);
	check_eq(config.sandbox.n_allowed, 0);
	check_eq(config.n_pmem, 2);
	check_str(config.pmem[0].file, "a");
	check_str(config.pmem[1].file, "b");
	/* What looks like --config is none, and what looks like another option none either. */
	parsed("{\"cpus\": 2}", "-k --config --append --cpus");
	check_str(config.kernel, "--config");
	check_str(config.append, "--cpus");
	check_eq(config.cpus, 2);
	cr_assert(parse("{\"cpus\": 99}", "xc") < 0);
	check_contains(err.text, "--cpus 99");
	config_fini(&config);
}

static void refused(const char *json, const char *text)
{
	char wanted[600];

	cr_assert(parse(json, "-k k") < 0, "%s", json);
	snprintf(wanted, sizeof(wanted), "--config %s%s", where, text);
	check_str(err.text, wanted);
	config_fini(&config);
}

static const struct config_option *find(const char *name)
{
	const struct config_option *option = config_options;

	while (strcmp(option->name, name) != 0)
		option++;
	return option;
}

/* Numbers and booleans are not read back from their texts. */
Test(config_file, types_count)
{
	static const struct keyval number = { .value = "?", .type = KEYVAL_NUMBER, .number = 3 },
				   on = { .value = "on", .type = KEYVAL_SWITCH, .number = 1 };
	const struct config_keys node = {
		.option = "--numa",
		.given = "{}",
		.list = { { "node", "?", KEYVAL_NUMBER, 0 }, { "cpus", "?", KEYVAL_NUMBER, 5 } },
		.n = 2,
	};

	parsed("{\"kernel\": \"k\"}", "");
	check_eq(config_option_set(find("memory"), &config, &number, &err), 0, "%s", err.text);
	check_eq(config.memory, 3 << 20);
	check_eq(config_option_set(find("timeout"), &config, &number, &err), 0, "%s", err.text);
	check_eq(config.timeout, 3);
	check_eq(config_option_set(find("sandbox"), &config, &on, &err), 0, "%s", err.text);
	check_eq(find("numa")->set_keys(&config, &node, &err), 0, "%s", err.text);
	check_eq(config.nodes[0].cpus, 1 << 5);
	config_fini(&config);
}

/*
 * bad input: Command line: --config with values of a wrong type, or with lists and keys where they
 * cannot be -> refused; the error names the file, the line and the option
 */
Test(config_file, bad_types)
{
	refused("{\"rng\": 1}", ", line 1: rng: must be true or false");
	refused("{\n\"rng\": {}}", ", line 2: rng: must be true or false");
	refused("{\n\n\"cpus\": 1.5}",
		", line 3: cpus: must be a string, a whole number, true or false");
	refused("{\"cpus\": null}", ", line 1: cpus: must be a string, a whole number, true or "
				    "false; leave it out where there is none");
	refused("{\"cpus\": [1]}", ", line 1: cpus: is allowed once; give one value, no list");
	refused("{\"platform\": {\"n\": 1}}",
		", line 1: platform: cannot be an object, because the option has no keys; give a string");
	refused("{\"cpus\": -1}", ", line 1: --cpus -1: must be a number from 1 to 32");
	refused("{\"cpus\": true}", ", line 1: --cpus on: must be a number from 1 to 32");
	refused("{\"qmp\": [[]]}",
		", line 1: qmp: must be a string, a whole number, true or false");
	refused("{\"pmem\": [\"a\",\n{\"file\": {}}]}", ", line 1: pmem: file: must be a string");
	refused("{\"pmem\": {\"file\": [[1]]}}", ", line 1: pmem: file: must be a string");
	refused("{\"pmem\": {\"file,size\": 1}}",
		", line 1: pmem: 'file,size': is not a key; a key has letters, digits and '-'");
	refused("{\"pmem\": {\"\": 1}}",
		", line 1: pmem: '': is not a key; a key has letters, digits and '-'");
	refused("{\"pmem\": {\"file\": \"\"}}",
		", line 1: --pmem: 'file' has no value; say key=value");
	refused("{\"pmem\": {}}", ", line 1: pmem: has no keys with values");
	refused("{\"sandbox\": {\"allow\": []}}", ", line 1: sandbox: has no keys with values");
	refused("{\"pmem\": {\"file\": \"a\", \"no\": 1}}",
		", line 1: --pmem no=1: unknown key; there are file, size, id, readonly, share, "
		"lock, prealloc, root, addr, align, node");
	refused("{\"pmem\": {\"file\": [\"a\", \"b\"]}}",
		", line 1: --pmem: file=b: the key is given twice");
}

/* bad input: Command line: --config with a number or a switch in the place of a name -> refused */
Test(config_file, names_that_are_none)
{
	refused("{\"result\": 3}",
		", line 1: result: must be a string; did you mean \"fd:3\" or \"3\"?");
	refused("{\"initrd\": true}", ", line 1: initrd: must be a string");
	refused("{\"append\": null}",
		", line 1: append: must be a string; leave it out where there is none");
	refused("{\"pmem\": [\"a\", 4]}",
		", line 1: pmem: must be a string; did you mean \"fd:4\" or \"4\"?");
	refused("{\"pmem\": {\"file\": 5}}",
		", line 1: pmem: file: must be a string; did you mean \"fd:5\" or \"5\"?");
	refused("{\"sandbox\": {\"allow\": [false]}}",
		", line 1: sandbox: allow: must be a string");
}

/*
 * bad input: Command line: --config with an option that is unknown or given twice -> refused; the
 * error names the line and the closest known name
 */
Test(config_file, bad_names)
{
	refused("{\"kernel\": \"k\",\n \"x\": {\"cpu\": \"cpu\"},\n \"cpu\": 1}",
		", line 2: 'x': unknown option; mvmm --help lists them");
	refused("{\"append\": \"\\\"cpu\\\": \\\\\",\n\"pmem\": [\"cpu\", \"cpu\"],\n\"cpu\": 1}",
		", line 3: 'cpu': unknown option; did you mean 'cpus'?");
	refused("{\"append\": \"cpu\",\n\"cpu\": 1}",
		", line 2: 'cpu': unknown option; did you mean 'cpus'?");
	refused("{\"memroy\": 1}", ", line 1: 'memroy': unknown option; did you mean 'memory'?");
	refused("{\"timout\": 1}", ", line 1: 'timout': unknown option; did you mean 'timeout'?");
	refused("{\"--kernel\": 1}",
		", line 1: '--kernel': unknown option; did you mean 'kernel'?");
	refused("{\"k\": 1}", ", line 1: 'k': unknown option; mvmm --help lists them");
	refused("{\"\": 1}", ", line 1: '': unknown option; mvmm --help lists them");
	refused("{\"0123456789012345678901234567890123\": 1}",
		", line 1: '0123456789012345678901234567890123': unknown option; mvmm --help lists "
		"them");
	refused("{\"config\": \"other.json\"}",
		", line 1: config: a configuration file cannot name another configuration file");
	refused("{\"cpus\": 1,\n\"cpus\": 2}", ", line 2: duplicate object key near '\"cpus\"'");
}

/*
 * bad input: Command line: --config with a file that is not a JSON object, is cut off, is nested
 * too deep, has bytes of value 0, or has more behind the object -> refused
 */
Test(config_file, no_object)
{
	static const char zero[] = "{\"kernel\": \"a\0b\"}";
	char deep[10000];

	refused("[]", ": must be one JSON object, {\"kernel\": ...}");
	refused("\xef\xbb\xbf{}",
		", line 1: begins with a byte order mark; save it as UTF-8 without one");
	cr_assert(parse("", "") < 0);
	cr_assert(parse("{", "") < 0);
	cr_assert(parse("1", "") < 0);
	cr_assert(parse("{} {}", "") < 0);
	check_contains(err.text, "line 1: end of file expected");
	cr_assert(parse("{\"kernel\": \"\\u0000\"}", "") < 0);
	cr_assert(parse("{\"kernel\": \"\xff\"}", "") < 0);
	cr_assert(parse("{\"timeout\": 99999999999999999999}", "") < 0);
	cr_assert(parse_bytes(zero, sizeof(zero) - 1, "") < 0);
	memset(deep, '[', sizeof(deep));
	cr_assert(parse_bytes(deep, sizeof(deep), "") < 0);
	check_contains(err.text, "maximum parsing depth");
}

/*
 * bad input: Command line: --config with a file larger than 1 MiB, or with something that is not a
 * file -> refused
 */
Test(config_file, bad_files)
{
	static char large[(1 << 20) + 1];
	char *argv[] = { where, (char[]){ "--config" }, (char[]){ "/nonexistent" }, NULL };

	memset(large, ' ', sizeof(large));
	memcpy(large, "{\"kernel\":\"k\"}", 14);
	check_eq(parse_bytes(large, sizeof(large) - 1, ""), 0, "%s", err.text);
	cr_assert(parse_bytes(large, sizeof(large), "") < 0);
	check_contains(err.text, "is larger than 1024 KiB");
	config_fini(&config);
	cr_assert(config_parse(&config, 3, argv, &err) < 0);
	check_str(err.text, "--config /nonexistent: cannot open: No such file or directory");
	argv[2] = (char[]){ "/tmp" };
	cr_assert(config_parse(&config, 3, argv, &err) < 0);
	check_contains(err.text, "--config /tmp: cannot read: Is a directory");
	argv[2] = NULL;
	cr_assert(config_parse(&config, 2, argv, &err) < 0);
	check_contains(err.text, "--config: needs a value");
	config_fini(&config);
}

/* A pipe, as a launcher or a shell passes it. */
Test(config_file, descriptor)
{
	char text[16], *argv[] = { where, (char[]){ "--config" }, text, NULL };
	int ends[2];

	check_eq(pipe(ends), 0);
	check_eq(write(ends[1], "{\"kernel\": \"k\"}", 15), 15);
	close(ends[1]);
	snprintf(text, sizeof(text), "fd:%d", ends[0]);
	check_eq(config_parse(&config, 3, argv, &err), 0, "%s", err.text);
	check_str(config.kernel, "k");
	config_fini(&config);
}

/* Written a moment ago, and still standing at its end. */
Test(config_file, descriptor_that_was_written)
{
	char text[16], *argv[] = { where, (char[]){ "--config" }, text, NULL };
	int fd = memfd_create("config", 0);

	check_eq(write(fd, "{\"kernel\": \"k\"}", 15), 15);
	snprintf(text, sizeof(text), "fd:%d", fd);
	check_eq(config_parse(&config, 3, argv, &err), 0, "%s", err.text);
	check_str(config.kernel, "k");
	config_fini(&config);
}

/*
 * bad input: Command line: --config with a mistake, in a file that also says where the result goes
 * -> the result is written there
 */
Test(config_file, result_of_a_refusal)
{
	cr_assert(parse("{\"cpus\": 99, \"result\": \"file\"}", "") < 0);
	check_str(config.result, "file");
	cr_assert(parse("{\"cpus\": 99, \"result\": \"file\"}", "-k k --result mine") < 0);
	check_str(config.result, "mine");
	cr_assert(parse("{\"result\": \"file\"}", "--nonsense") < 0);
	check_str(config.result, "file");
	cr_assert(parse("{\"result\": \"twice\", \"cpus\": 1, \"cpus\": 1}", "") < 0);
	check_str(config.result, "twice");
	cr_assert(parse("{\"result\": \"file\"}", "--nonsense --result mine") < 0);
	check_str(config.result, "mine");
	cr_assert(parse("{\"result\": [1], \"cpus\": 99}", "") < 0);
	cr_assert(!config.result);
	config_fini(&config);
}

/* Each option can be said in JSON, by the form that the table says it has. */
Test(config_file, every_option)
{
	for (unsigned i = 0; i < config_n_options; i++) {
		const struct config_option *o = &config_options[i];
		char json[128];

		if (o->how & READ_FIRST)
			continue;
		snprintf(json, sizeof(json), "{\"%s\": %s}", o->name, o->arg ? "[]" : "false");
		parse(json, "");
		check_eq(!!strstr(err.text, "is allowed once"), o->arg && !(o->how & REPEATABLE),
			 "%s: %s", json, err.text);
		snprintf(json, sizeof(json), "{\"%s\": {\"\": 1}}", o->name);
		parse(json, "");
		check_eq(!!strstr(err.text, "is not a key"), !!o->set_keys, "%s", json);
	}
	config_fini(&config);
}
