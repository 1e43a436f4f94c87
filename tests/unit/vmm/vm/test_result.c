// SPDX-License-Identifier: Apache-2.0
/* The file that says how a run ended: its members, when it appears, and places where it cannot. */
#include "vmm/vm/result.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(result, .timeout = 20);

static struct result result;
static struct vm_end end;
static struct boot_timer timer;
static struct error err;
static char dir[32];

static void setup(void)
{
	fixture_directory(dir);
	check_eq(chdir(dir), 0);
	end.outcome = OUTCOME_POWER_OFF;
}

/* Nothing is left but what the test wrote under the name r. */
static void teardown(void)
{
	result_fini(&result);
	result_fini(&result);
	unlink("r");
	check_eq(chdir("/"), 0);
	check_eq(rmdir(dir), 0, "something was left in %s", dir);
}

static json_t *read_object(int fd)
{
	static char text[1 << 16];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	json_t *object;

	cr_assert(n > 1);
	text[n] = '\0';
	cr_assert(strchr(text, '\n') == text + n - 1, "it is one line");
	object = json_loads(text, 0, NULL);
	cr_assert(object, "%s", text);
	return object;
}

static json_t *written(void)
{
	int fd;

	check_eq(result_open(&result, "r", &err), 0, "%s", err.text);
	check_eq(access("r", F_OK), -1, "not before the end");
	check_eq(result_write(&result, &end, &timer, &err), 0, "%s", err.text);
	fd = open("r", O_RDONLY);
	cr_assert(fd >= 0);
	return read_object(fd);
}

static long long number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	cr_assert(json_is_integer(value), "%s", name);
	return json_integer_value(value);
}

static const char *string(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	cr_assert(value, "%s", name);
	return value;
}

static bool is_null(const json_t *object, const char *name)
{
	cr_assert(json_object_get(object, name), "%s", name);
	return json_is_null(json_object_get(object, name));
}

Test(result, members, .init = setup, .fini = teardown)
{
	json_t *o, *part;

	end = (struct vm_end){
		.outcome = OUTCOME_GUEST_STATUS,
		.code = 7,
		.detail = "a \"message\" with \xff",
		.exits = { .total = 100, .mmio = 1, .io = 2, .interrupted = 3, .shutdown = 4 },
		.pmem = { { "d0",
			    5,
			    { { "flushes", 1 },
			      { "flush-errors", 2 },
			      { "coalesced", 3 },
			      { "fdatasyncs", 4 },
			      { "stores-dropped", 5 } } },
			  { "d1", 1, { { "flushes", 6 } } } },
		.n_pmem = 2,
		.devices = { { "rng", 1, { { "bytes", 1ULL << 40 } } } },
		.n_devices = 1,
		.console = "first\n\nthird \"quoted\"\n",
		.console_dropped = 9,
	};
	timer.ns[BOOT_MARK_EXEC] = 10;
	timer.ns[BOOT_MARK_CREATED] = 20;
	timer.ns[BOOT_MARK_ENTERED] = 30;
	timer.ns[BOOT_MARK_END] = 40;
	result.vm_name = "web";
	o = written();
	check_eq(number(o, "version"), 1);
	check_str(string(o, "name"), "web");
	cr_assert(is_null(o, "uuid"));
	check_str(string(o, "outcome"), "guest-status");
	check_eq(number(o, "status"), 7);
	check_eq(number(o, "guest-status"), 7);
	cr_assert(is_null(o, "signal"));
	check_str(string(o, "message"), "a \"message\" with ?");
	part = json_object_get(o, "phases");
	check_eq(number(part, "exec"), 10);
	check_eq(number(part, "vm-created"), 20);
	cr_assert(is_null(part, "kernel-loaded"));
	check_eq(number(part, "first-instruction"), 30, "the guest did not say, so its entry");
	cr_assert(is_null(part, "user-space"));
	check_eq(number(part, "exit"), 40);
	part = json_object_get(o, "cpu-time");
	cr_assert(number(part, "user") + number(part, "system") > 0);
	cr_assert(number(o, "peak-memory") > 1 << 20);
	part = json_object_get(o, "exits");
	check_eq(number(part, "total"), 100);
	check_eq(number(part, "mmio"), 1);
	check_eq(number(part, "io"), 2);
	check_eq(number(part, "interrupted"), 3);
	check_eq(number(part, "shutdown"), 4);
	check_eq(number(part, "other"), 90);
	check_eq(json_array_size(json_object_get(o, "pmem")), 2);
	part = json_array_get(json_object_get(o, "pmem"), 0);
	check_str(string(part, "id"), "d0");
	check_eq(number(part, "flushes"), 1);
	check_eq(number(part, "flush-errors"), 2);
	check_eq(number(part, "coalesced"), 3);
	check_eq(number(part, "fdatasyncs"), 4);
	check_eq(number(part, "stores-dropped"), 5);
	part = json_array_get(json_object_get(o, "pmem"), 1);
	check_str(string(part, "id"), "d1");
	check_eq(number(part, "flushes"), 6);
	check_eq(json_array_size(json_object_get(o, "devices")), 1);
	part = json_array_get(json_object_get(o, "devices"), 0);
	check_str(string(part, "id"), "rng");
	check_eq(number(part, "bytes"), 1LL << 40);
	part = json_object_get(o, "console");
	check_eq(json_array_size(part), 3);
	check_str(json_string_value(json_array_get(part, 0)), "first");
	check_str(json_string_value(json_array_get(part, 1)), "");
	check_str(json_string_value(json_array_get(part, 2)), "third \"quoted\"");
	check_eq(number(o, "console-dropped"), 9);
	json_decref(o);
}

Test(result, signal, .init = setup, .fini = teardown)
{
	json_t *o;

	end.outcome = OUTCOME_SIGNAL;
	end.code = SIGTERM;
	o = written();
	check_str(string(o, "outcome"), "signal");
	check_eq(number(o, "signal"), SIGTERM);
	cr_assert(is_null(o, "guest-status"));
	check_eq(number(o, "status"), outcome_status(OUTCOME_SIGNAL, SIGTERM));
	check_eq(json_array_size(json_object_get(o, "console")), 0);
	check_eq(json_array_size(json_object_get(o, "pmem")), 0);
	json_decref(o);
}

/* The guest's own first instruction, if it told. */
Test(result, first_instruction, .init = setup, .fini = teardown)
{
	json_t *o;

	timer.ns[BOOT_MARK_ENTERED] = 30;
	timer.ns[BOOT_MARK_GUEST] = 31;
	o = written();
	check_eq(number(json_object_get(o, "phases"), "first-instruction"), 31);
	json_decref(o);
}

/* An earlier result goes at the start: what is there belongs to this run, or nothing is. */
Test(result, replaces_an_older_one, .init = setup, .fini = teardown)
{
	struct kept_file file;
	struct stat st;

	close(open("r", O_WRONLY | O_CREAT, 0600));
	check_eq(result_open(&result, "r", &err), 0, "%s", err.text);
	check_eq(access("r", F_OK), -1);
	cr_assert(result_file(&result, &file));
	check_eq(fstat(file.fd, &st), 0);
	check_eq(st.st_nlink, 0, "a process that is killed leaves nothing");
	check_eq(result_write(&result, &end, &timer, &err), 0);
	check_eq(stat("r", &st), 0);
	cr_assert(st.st_size > 0);
	/* The second end is told to nobody. */
	unlink("r");
	check_eq(result_write(&result, &end, &timer, &err), 0);
	check_eq(access("r", F_OK), -1);
}

Test(result, nobody_asked, .init = setup, .fini = teardown)
{
	struct kept_file file;

	check_eq(result_write(&result, &end, &timer, &err), 0);
	cr_assert_not(result_file(&result, &file));
}

Test(result, descriptor, .init = setup, .fini = teardown)
{
	int fd = memfd_create("result", 0), mine = dup(fd);
	struct kept_file file;
	char where[16];
	json_t *o;

	snprintf(where, sizeof(where), "fd:%d", fd);
	check_eq(result_open(&result, where, &err), 0, "%s", err.text);
	cr_assert_not(result_file(&result, &file), "it has no name");
	check_eq(result_write(&result, &end, &timer, &err), 0, "%s", err.text);
	o = read_object(mine);
	check_str(string(o, "outcome"), "power-off");
	json_decref(o);
	close(mine);
}

static void refused(const char *where, int code, const char *text)
{
	check_eq(result_open(&result, where, &err), -code, "%s", where);
	check_str(err.text, text);
	check_eq(result_write(&result, &end, &timer, &err), 0, "there is none to write");
	result_fini(&result);
}

/*
 * bad input: Command line: --result in a place where no file can be made or replaced -> refused;
 * the error names a way out
 */
Test(result, bad_places, .init = setup, .fini = teardown)
{
	unsigned before = open_descriptors();

	refused("", EINVAL, "--result : is empty; give a path or fd:N");
	refused("none/r", ENOENT,
		"--result none/r: cannot open its directory: No such file or directory");
	refused("/tmp/", EISDIR, "--result /tmp/: is a directory; name a file");
	/* Not one of /dev, which a mistake would remove. */
	check_eq(mkfifo("pipe", 0600), 0);
	refused("pipe", EINVAL,
		"--result pipe: exists and is not a regular file; name a regular file, or "
		"give an open descriptor, such as fd:1");
	check_eq(unlink("pipe"), 0);
	check_eq(mkdir("r", 0700), 0);
	refused("r", EINVAL,
		"--result r: exists and is not a regular file; name a regular file, or "
		"give an open descriptor, such as fd:1");
	check_eq(rmdir("r"), 0);
	check_eq(symlink("elsewhere", "r"), 0);
	refused("r", EINVAL,
		"--result r: exists and is not a regular file; name a regular file, or "
		"give an open descriptor, such as fd:1");
	check_eq(open_descriptors(), before);
}

/* The directory goes while the guest runs. */
Test(result, cannot_get_its_name, .init = setup, .fini = teardown)
{
	check_eq(mkdir("sub", 0700), 0);
	check_eq(result_open(&result, "sub/r", &err), 0, "%s", err.text);
	check_eq(mkdir("sub/r", 0700), 0);
	check_eq(result_write(&result, &end, &timer, &err), -EISDIR);
	check_str(err.text, "--result sub/r: cannot be written: Is a directory");
	/* Nor is half of it left. */
	check_eq(rmdir("sub/r"), 0);
	check_eq(rmdir("sub"), 0);
}

Test(result, full, .init = setup, .fini = teardown)
{
	struct rlimit none = { 0, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	check_eq(result_open(&result, "r", &err), 0, "%s", err.text);
	setrlimit(RLIMIT_FSIZE, &none);
	check_eq(result_write(&result, &end, &timer, &err), -EFBIG);
	check_str(err.text, "--result r: cannot be written: File too large");
	check_eq(access("r", F_OK), -1);
}

/* A reader that stands still holds the end up for some seconds, no longer. */
Test(result, nobody_reads, .init = setup, .fini = teardown)
{
	static char some[1 << 16];
	int ends[2];
	char where[16];

	check_eq(pipe(ends), 0);
	check_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], some, sizeof(some)) > 0)
		;
	snprintf(where, sizeof(where), "fd:%d", ends[1]);
	check_eq(result_open(&result, where, &err), 0, "%s", err.text);
	check_eq(result_write(&result, &end, &timer, &err), -ETIMEDOUT);
	cr_assert(strncmp(err.text, "--result fd:", 12) == 0);
	check_contains(err.text, ": cannot be written: nobody reads the pipe or socket");
}
