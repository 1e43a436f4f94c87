// SPDX-License-Identifier: Apache-2.0
/* The command line. Each refusal is one line that names the option, the value and what is allowed.
 */
#include "vmm/config/config.h"

#include "tests/support/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(config, .timeout = 10);

#define MAX_ARGS 60

/* Splits @line at blanks into words and parses them; '' is an empty word. */
static int parse(struct config *config, const char *line, struct error *err)
{
	static char text[8192];
	static char name[] = "mvmm", empty[] = "";
	char *argv[MAX_ARGS + 2] = { name }, *word;
	int argc = 1;

	strcpy(text, line);
	for (word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		cr_assert(argc < MAX_ARGS);
		argv[argc++] = strcmp(word, "''") == 0 ? empty : word;
	}
	err->text[0] = '\0';
	return config_parse(config, argc, argv, err);
}

static struct config parsed(const char *line)
{
	struct config config;
	struct error err;

	check_eq(parse(&config, line, &err), 0, "%s: %s", line, err.text);
	return config;
}

Test(config, least)
{
	struct config c = parsed("--kernel bzImage --pmem disk.img");

	check_str(c.kernel, "bzImage");
	check_eq(c.n_pmem, 1);
	check_str(c.pmem[0].file, "disk.img");
	check_str(c.pmem[0].id, "pmem0");
	check_eq(c.pmem[0].size, 0);
	check_eq(c.pmem[0].readonly, false);
	check_eq(c.pmem[0].share, true);
	check_eq(c.pmem[0].root, CONFIG_ROOT_DEFAULT);
	check_eq(c.memory, 256 << 20);
	check_eq(c.cpus, 1);
	check_eq(c.serial.n, 1);
	check_eq(c.serial.sinks[0].kind, CONFIG_SINK_STDIO);
	check_eq(c.console.given, false);
	check_eq(c.platform, BOOT_PLATFORM_AUTO);
	check_eq(c.log_level, LOG_LEVEL_WARNING);
	cr_assert(!c.initrd && !c.append && !c.dump_dtb && !c.dump_acpi);
	cr_assert(!c.dry_run && !c.boot_timer && !c.help && !c.version);
	config_fini(&c);
	config_fini(&c);
}

Test(config, everything)
{
	struct config c = parsed(
		"--kernel k --initrd i --append a=b --memory 1G --cpus 4 --serial file=log "
		"--platform dt --dump-dtb d --dump-acpi e --dry-run --boot-timer --log-level debug "
		"--pmem file=f,size=64M,id=root.0_a-B,readonly=on,share=off,root=on --pmem g");

	check_str(c.initrd, "i");
	check_str(c.append, "a=b");
	check_eq(c.memory, 1 << 30);
	check_eq(c.cpus, 4);
	check_eq(c.serial.n, 1);
	check_eq(c.serial.sinks[0].kind, CONFIG_SINK_FILE);
	check_str(c.serial.sinks[0].path, "log");
	check_eq(c.platform, BOOT_PLATFORM_DT);
	check_str(c.dump_dtb, "d");
	check_str(c.dump_acpi, "e");
	cr_assert(c.dry_run && c.boot_timer);
	check_eq(c.log_level, LOG_LEVEL_DEBUG);
	check_eq(c.n_pmem, 2);
	check_str(c.pmem[0].file, "f");
	check_eq(c.pmem[0].size, 64 << 20);
	check_str(c.pmem[0].id, "root.0_a-B");
	check_eq(c.pmem[0].readonly, true);
	check_eq(c.pmem[0].share, false);
	check_eq(c.pmem[0].root, CONFIG_ROOT_ON);
	check_str(c.pmem[1].file, "g");
	check_str(c.pmem[1].id, "pmem1");
	config_fini(&c);
}

Test(config, spellings)
{
	static const char *const lines[] = {
		"--kernel k --memory 512M --cpus 2 --pmem d",
		"-k k -m 512M -c 2 -p d",
		"-kk -m512M -c2 -pd",
		"--kernel=k --memory=512M --cpus=2 --pmem=d",
		"-p d -c 2 -m 512 -k k",
		"--memory 524288K -kk -c2 -p file=d",
		"-kernel k -memory 512M -cpus 2 -pmem d",
		"-kernel=k -memory=512M -cpus=2 -pmem=d",
		"-kernel k -object memory-backend-file,id=m,share=on,mem-path=d,size=2M -device "
		"virtio-pmem,memdev=m -m 512 -c 2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct config c = parsed(lines[i]);

		check_str(c.kernel, "k");
		check_eq(c.memory, 512 << 20);
		check_eq(c.cpus, 2);
		check_str(c.pmem[0].file, "d");
		config_fini(&c);
	}
}

/* A letter takes what is attached to it unless both are the name of an option. */
Test(config, a_letter_and_its_value_are_no_name)
{
	check_str(parsed("-kernels").kernel, "ernels");
	check_str(parsed("-kvmx").kernel, "vmx");
	check_str(parsed("-k k -platforms").pmem[0].file, "latforms");
}

Test(config, name_and_uuid)
{
	struct config c = parsed("-k k");

	check_eq(c.name, NULL);
	check_eq(c.uuid, NULL);
	c = parsed("-k k -name web~1 -uuid 12345678-9ABC-def0-1234-56789abcdef0");
	check_str(c.name, "web~1");
	check_str(c.uuid, "12345678-9abc-def0-1234-56789abcdef0");
	check_str(parsed("-k k --name 1234567890123456789012345678901234567890123456789012345678"
			 "901234")
			  .name,
		  "1234567890123456789012345678901234567890123456789012345678901234");
}

/* So that the message and the result about it name the VM. */
Test(config, name_is_taken_in_spite_of_an_error)
{
	struct config config;
	struct error err;

	check_eq(parse(&config, "--bad --name web --name other", &err), -EINVAL);
	check_str(config.name, "web");
	check_eq(parse(&config, "--name '' --name web", &err), -EINVAL);
	check_contains(err.text, "--name ");
	check_eq(config.name, NULL);
	config_fini(&config);
}

/* What is said of a mistyped one is read back by who has typed it. */
Test(config, result_and_config_are_found_by_each_spelling)
{
	static const char *const lines[] = { "--result r --bad",
					     "-result r --bad",
					     "--bad -result=r",
					     "-config /nowhere -result r",
					     "--bad -x - --result r --result s",
					     "--result r -h=1" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct config config;
		struct error err;

		check_eq(parse(&config, lines[i], &err), -EINVAL, "%s", lines[i]);
		check_str(config.result, "r");
		config_fini(&config);
	}
}

Test(config, values_at_their_limits)
{
	check_eq(parsed("-k k -m 2M").memory, 2 << 20);
	check_eq(parsed("-k k -m 1024G").memory, 1ULL << 40);
	check_eq(parsed("-k k -m 2052K").memory, 2052 << 10);
	check_eq(parsed("-k k -c 32").cpus, 32);
	check_eq(parsed("-k k --serial null").serial.n, 0);
	check_eq(parsed("-k k --serial pty,rate=1K").serial.sinks[0].rate, 1024);
	check_eq(parsed("-k k --serial pty,rate=1G").serial.sinks[0].rate, 1 << 30);
	check_eq(parsed("-k k --platform auto").platform, BOOT_PLATFORM_AUTO);
	check_eq(parsed("-k k --platform acpi").platform, BOOT_PLATFORM_ACPI);
	check_eq(parsed("-k k --timeout 1").timeout, 1);
	check_eq(parsed("-k k --timeout 31622400").timeout, 31622400);
	check_eq(parsed("-k k --ready-fd 2147483647").ready_fd, INT_MAX);
	check_eq(parsed("-k k").life_fd, -1);
	check_eq(parsed("-k k --log-level error").log_level, LOG_LEVEL_ERROR);
	check_eq(parsed("-k k --log-level warning").log_level, LOG_LEVEL_WARNING);
	check_eq(parsed("-k k --log-level info").log_level, LOG_LEVEL_INFO);
	check_str(parsed("-k k -p a,id=1234567890123456789012345678901").pmem[0].id,
		  "1234567890123456789012345678901");
	check_eq(parsed("-k k -p a,root=off,readonly=off,share=on").pmem[0].root, CONFIG_ROOT_OFF);
	check_str(parsed("-k k -p a,,b").pmem[0].file, "a,b");
}

static bool makes_files(const char *options)
{
	char line[256];
	struct config c;

	snprintf(line, sizeof(line), "-k k -p a %s", options);
	c = parsed(line);
	return config_makes_files(&c);
}

Test(config, files_that_a_start_makes)
{
	cr_assert_not(makes_files("--serial file=x --console stdio --qmp fd:7"));
	cr_assert_not(makes_files("--serial null --monitor stdio"));
	cr_assert(makes_files("-p b,size=4M"));
	cr_assert(makes_files("--serial file=x --serial unix:x"));
	cr_assert(makes_files("--console unix:x"));
	cr_assert(makes_files("--qmp unix:x"));
	cr_assert(makes_files("--monitor unix:x"));
	cr_assert(makes_files("--vsock x"));
}

Test(config, places_of_a_console)
{
	struct config c = parsed("-k k --serial stdio --serial unix:a=b,,c,server=on,wait=off "
				 "--serial fd:7,rate=64K --serial file=x=y --serial null");

	check_eq(c.serial.n, 4);
	check_eq(c.serial.sinks[0].kind, CONFIG_SINK_STDIO);
	check_eq(c.serial.sinks[1].kind, CONFIG_SINK_UNIX);
	check_str(c.serial.sinks[1].path, "a=b,c");
	check_eq(c.serial.sinks[2].kind, CONFIG_SINK_FD);
	check_str(c.serial.sinks[2].path, "fd:7");
	check_eq(c.serial.sinks[2].rate, 65536);
	check_str(c.serial.sinks[2].given, "fd:7,rate=64K");
	check_eq(c.serial.sinks[3].kind, CONFIG_SINK_FILE);
	check_str(c.serial.sinks[3].path, "x=y");
	config_fini(&c);
	config_fini(&c);
}

/* Standard input and output are the serial port's unless the other console wants them. */
Test(config, default_console)
{
	struct config c = parsed("-k k --console stdio");

	check_eq(c.console.given, true);
	check_eq(c.console.n, 1);
	check_eq(c.serial.n, 0);
	config_fini(&c);
	c = parsed("-k k --console file=x");
	check_eq(c.serial.n, 1);
	check_eq(c.serial.sinks[0].kind, CONFIG_SINK_STDIO);
	config_fini(&c);
	c = parsed("-k k --console null");
	check_eq(c.console.given, true);
	check_eq(c.console.n, 0);
	config_fini(&c);
}

Test(config, as_many_disks_as_there_are_slots)
{
	static char line[1024] = "-k k";
	struct config config;
	struct error err;

	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
		strcat(line, " -p d");
	check_eq(parsed(line).n_pmem, LAYOUT_VIRTIO_SLOTS);
	strcat(line, " -p toomany");
	check_eq(parse(&config, line, &err), -EINVAL);
	check_contains(err.text, "toomany");
	check_contains(err.text, "19");
	config_fini(&config);
}

/* A name that is made up must not be one that somebody chose. */
Test(config, made_up_id_is_free)
{
	struct config c = parsed("-k k -p a,id=pmem1 -p b");

	cr_assert(strcmp(c.pmem[0].id, c.pmem[1].id) != 0);
	config_fini(&c);
}

Test(config, help_and_version_need_nothing_else)
{
	check_eq(parsed("--help").help, true);
	check_eq(parsed("-h").help, true);
	check_eq(parsed("--version").version, true);
}

/*
 * bad input: Command line: options that are unknown, given twice, missing or malformed -> refused;
 * the error names the option, the value and what is allowed
 */
Test(config, refusals)
{
	static const struct {
		const char *line, *names, *says;
	} cases[] = {
		{ "", "--kernel", "missing" },
		{ "-p d", "--kernel", "missing" },
		{ "bzImage", "bzImage", "not an option" },
		{ "-k k disk.img", "disk.img", "not an option" },
		{ "''", "", "not an option" },
		{ "-", "-", "not an option" },
		{ "--", "--", "unknown option" },
		{ "-x", "-x", "unknown option" },
		{ "-k k --timeout 0", "--timeout 0", "a number of seconds from 1 to" },
		{ "-k k --timeout 1s", "--timeout 1s", "a number of seconds from 1 to" },
		{ "-k k --timeout 31622401", "--timeout", "a number of seconds from 1 to" },
		{ "-k k --ready-fd x", "--ready-fd x", "must be the number of a descriptor" },
		{ "-k k --ready-fd 2147483648", "--ready-fd",
		  "must be the number of a descriptor" },
		{ "--kernels k", "--kernels", "unknown option; did you mean --kernel?" },
		{ "--memroy 1G", "--memroy", "unknown option; did you mean --memory?" },
		{ "--memroy=1G", "--memroy=1G", "unknown option; did you mean --memory?" },
		{ "-nemory 1G", "-nemory", "unknown option; did you mean --memory?" },
		{ "--nographic", "--nographic", "unknown option; mvmm --help lists them" },
		{ "-kernel", "--kernel", "needs a value" },
		{ "-kernel a --kernel b", "--kernel b", "twice" },
		{ "-k a -dry-run=yes", "--dry-run yes", "no value" },
		{ "--kern k", "--kern", "unknown option" },
		{ "--KERNEL k", "--KERNEL", "unknown option" },
		{ "--kernel", "--kernel", "needs a value" },
		{ "-k", "--kernel", "needs a value" },
		{ "-k k --memory", "--memory", "needs a value" },
		{ "-k a -k b", "--kernel b", "twice" },
		{ "-k a --kernel=b", "--kernel b", "twice" },
		{ "-k a --dry-run --dry-run", "--dry-run", "twice" },
		{ "-k a -m 1G -m 1G", "--memory 1G", "twice" },
		{ "-k a --dry-run=yes", "--dry-run yes", "no value" },
		{ "-hx", "--help x", "no value" },

		{ "-k k -m 0", "--memory 0", "2M to 1024G" },
		{ "-k k -m 1M", "--memory 1M", "2M to 1024G" },
		{ "-k k -m 1025G", "--memory 1025G", "2M to 1024G" },
		{ "-k k -m 99999999999999999999G", "--memory 999", "2M to 1024G" },
		{ "-k k -m 2049K", "--memory 2049K", "" },
		{ "-k k -m x", "--memory x", "2M to 1024G" },
		{ "-k k -m -5", "--memory -5", "2M to 1024G" },
		{ "-k k --memory=", "--memory", "2M to 1024G" },
		{ "-k k -c 0", "--cpus 0", "1 to 32" },
		{ "-k k -c 33", "--cpus 33", "1 to 32" },
		{ "-k k -c 4294967297", "--cpus 4294967297", "1 to 32" },
		{ "-k k -c 1x", "--cpus 1x", "1 to 32" },
		{ "-k k --serial tty", "--serial tty", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial file=", "--serial file=", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial file", "--serial file", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial stdiox", "--serial stdiox", "did you mean stdio?" },
		{ "-k k --console nul", "--console nul", "did you mean null?" },
		{ "-k k --serial log.txt", "--serial log.txt", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial file=,rate=1M", "--serial file=,",
		  "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial unix:", "--serial unix:", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial ''", "--serial", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial null,rate=1M", "--serial null,", "file=PATH, unix:PATH or fd:N" },
		{ "-k k --serial pty,rate=1023", "rate=1023", "1K to 1G" },
		{ "-k k --serial pty,rate=2G", "rate=2G", "1K to 1G" },
		{ "-k k --serial pty,rate", "rate=on", "1K to 1G" },
		{ "-k k --serial pty,wait=off", "wait", "there is rate" },
		{ "-k k --serial unix:s,wait=on", "wait=on", "must be wait=off" },
		{ "-k k --serial unix:s,server=off", "server=off", "must be server=on" },
		{ "-k k --serial unix:s,mux=on", "mux", "rate, server and wait" },
		{ "-k k --serial stdio --serial stdio", "--serial stdio", "twice" },
		{ "-k k --serial pty --serial pty --serial pty --serial pty --serial pty",
		  "--serial pty", "at most 4" },
		{ "-k k --qmp stdio", "--qmp stdio", "--serial" },
		{ "-k k --serial null --console stdio --qmp stdio", "--qmp stdio", "--console" },
		{ "-k k --serial stdio --console stdio", "--console stdio", "twice" },
		{ "-k k --console tty", "--console tty", "unix:PATH" },
		{ "-k k --serial null --monitor stdio --qmp stdio", "--qmp stdio",
		  "--monitor stdio has standard input and output" },
		{ "-k k --monitor stdio --qmp stdio", "--qmp stdio",
		  "--monitor stdio has standard input and output" },
		{ "-k k --qmp stdio --monitor stdio", "--monitor stdio",
		  "--qmp stdio has standard input and output" },
		{ "-k k --qmp q3", "--qmp q3", "unix:q3" },
		{ "-k k --monitor q3", "--monitor q3", "unix:q3" },
		{ "-k k --qmp stdoi", "--qmp stdoi", "did you mean stdio?" },
		{ "-k k --qmp ''", "--qmp", "unix:PATH, fd:N and stdio" },
		{ "-k k --qmp unix:", "--qmp unix:", "unix:PATH, fd:N and stdio" },
		{ "-k k --paused", "--paused: nobody could say cont", "--qmp or --monitor" },
		{ "-k k --platform pc", "--platform pc", "auto, dt or acpi" },
		{ "-k k --name ''", "--name ", "1 to 64 printable characters" },
		{ "-k k --name a\tb", "--name a", "1 to 64 printable characters" },
		{ "-k k --name a\x7f", "--name a", "1 to 64 printable characters" },
		{ "-k k --name caf\xc3\xa9", "--name caf", "1 to 64 printable characters" },
		{ "-k k --name "
		  "12345678901234567890123456789012345678901234567890123456789012345",
		  "--name 1234", "1 to 64 printable characters" },
		{ "-k k --uuid ''", "--uuid ", "must be like 12345678-" },
		{ "-k k --uuid 123456789abcdef0123456789abcdef0", "--uuid 1234", "uuidgen" },
		{ "-k k --uuid 12345678-9abc-def0-1234-56789abcdefg", "--uuid 1234", "uuidgen" },
		{ "-k k --uuid 12345678-9abc-def0-1234-56789abcdef01", "--uuid 1234", "uuidgen" },
		{ "-k k --log-format xml", "--log-format xml", "text or json" },
		{ "-k k --log-level loud", "--log-level loud", "error, warning, info or debug" },

		{ "-k k -p ''", "--pmem", "no value" },
		{ "-k k -p size=1G", "--pmem size=1G", "file=PATH is missing" },
		{ "-k k -p d,size=0", "size=0", "must be a size" },
		{ "-k k -p d,size=4", "size=4", "say 4M for 4 MiB" },
		{ "-k k -p d,size=4095", "size=4095", "is less than 4 KiB" },
		{ "-k k -p d,size=x", "size=x", "must be a size" },
		{ "-k k -p d,size=-1", "size=-1", "must be a size" },
		{ "-k k -p d,readonly=yes", "readonly=yes", "on or off" },
		{ "-k k -p d,share=1", "share=1", "on or off" },
		{ "-k k -p d,root=maybe", "root=maybe", "on or off" },
		{ "-k k -p d,readonly", "readonly", "no value" },
		{ "-k k -p d,sise=1G", "sise=1G", "unknown key; did you mean size? There are" },
		{ "-k k -p d,shar=off", "shar=off", "unknown key; did you mean share? There are" },
		{ "-k k -p d,colour=red", "colour=red", "unknown key; there are file" },
		{ "-k k -p ./v=1.img", "./v=1.img", "is given as file=NAME" },
		{ "-k k -p a=b,size=1G", "a=b", "is given as file=NAME" },
		{ "-k k -p fil=b", "fil=b", "did you mean file?" },
		{ "-k k --net a=b", "a=b", "is given as tap=NAME" },
		{ "-k k --vsock a=b", "a=b", "is given as path=NAME" },
		{ "-k k --vsock s,cdi=3", "cdi=3", "did you mean cid?" },
		{ "-k k -m 1G,maxmen=2G", "maxmen=2G", "did you mean maxmem?" },
		{ "-k k -m x=1G", "x=1G", "unknown key; there are size" },
		{ "-k k --numa node=0,cpu=0", "cpu=0", "did you mean cpus?" },
		{ "-k k -p d,size=1G,size=1G", "size=1G", "twice" },
		{ "-k k -p d,id=a/b", "id=a/b", "letters, digits" },
		{ "-k k -p d,id=12345678901234567890123456789012", "id=123", "1 to 31" },
		{ "-k k -p d,id=a -p e,id=a", "id=a", "used twice" },
		{ "-k k -p d,root=on -p e,root=on", "root=on", "only one" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config config;
		struct error err;

		check_eq(parse(&config, cases[i].line, &err), -EINVAL, "%s", cases[i].line);
		check_contains(err.text, cases[i].names);
		check_contains(err.text, cases[i].says);
		cr_assert(!strchr(err.text, '\n'), "%s", err.text);
		config_fini(&config);
	}
}

Test(config, help_names_every_option)
{
	static const char *const names[] = {
		"-k, --kernel FILE", "--initrd FILE",
		"--append TEXT",     "-m, --memory SIZE",
		"-c, --cpus N",	     "-p, --pmem FILE",
		"--serial WHERE",    "--console WHERE",
		"--platform HOW",    "--dump-dtb FILE",
		"--dump-acpi DIR",   "--dry-run",
		"--boot-timer",	     "--log-level LEVEL",
		"--version",	     "-h, --help",
		"Ctrl-A X",	     "usage: mvmm --kernel FILE [--pmem FILE]...",
	};
	static char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	config_print_help(out);
	fclose(out);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		check_contains(text, names[i]);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		cr_assert(strlen(line) <= 90, "%s", line);
}
