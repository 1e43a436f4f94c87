// SPDX-License-Identifier: Apache-2.0
/* `mvmm ctl` against a control plane, and against what is none. */
#include "vmm/control/ctl.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/control.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

TestSuite(ctl, .timeout = 20);

static struct driver_host host;
static struct fake_vm vm;
static struct control control;
static char directory[] = "/tmp/mvmm-test-XXXXXX";
static char path[64];
static char *output;
static FILE *full; /* to print to instead, or NULL */
static enum ctl_status status;

static void setup(void)
{
	struct error err = { 0 };
	char where[80];

	driver_host_init(&host);
	fake_vm_init(&vm);
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/qmp", directory);
	snprintf(where, sizeof(where), "unix:%s", path);
	control_init(&control, &vm.monitor, &host.loop);
	check_eq(control_open(&control, CONTROL_QMP, where, &err), 0, "%s", err.text);
}

static void teardown(void)
{
	event_loop_fini(&host.loop);
	control_fini(&control);
	check_eq(rmdir(directory), 0, "something was left there");
}

static void run_ctl(void *arg)
{
	char **argv = arg;
	size_t size;
	FILE *out;
	int argc = 0;

	while (argv[argc])
		argc++;
	free(output);
	out = open_memstream(&output, &size);
	status = ctl_run(argc, argv, full ? full : out);
	fclose(out);
}

/* What it prints; its status is in @status. */
#define ctl(...)                                                                                   \
	(driver_with_thread(&host, run_ctl, (char *[]){ __VA_ARGS__, NULL }), (const char *)output)

Test(ctl, human, .init = setup, .fini = teardown)
{
	check_str(ctl(path, "info memory-devices"), "Memory device [virtio-pmem]: \"nv1\"\n"
						    "  memaddr: 0x240000000\n"
						    "  size: 67108864\n"
						    "  memdev: /objects/mem1\n");
	check_eq(status, CTL_DONE);
	check_str(ctl(path, "info", "status"), "VM status: running\n");
	check_str(ctl(path, "s"), "");
	check_eq(vm.state, MONITOR_PAUSED);
	check_str(ctl("--json", path, "info", "status"),
		  "{\"return\":\"VM status: paused\\r\\n\"}\r\n");
}

Test(ctl, machine, .init = setup, .fini = teardown)
{
	check_str(ctl(path, "query-status"), "{\n  \"status\": \"running\",\n"
					     "  \"singlestep\": false,\n  \"running\": true\n}\n");
	check_eq(status, CTL_DONE);
	check_str(
		ctl("--json", path, "query-status"),
		"{\"return\":{\"status\":\"running\",\"singlestep\":false,\"running\":true}}\r\n");
	/* An event comes before the answer, which has nothing in it. */
	check_str(ctl(path, "stop"), "");
	check_eq(status, CTL_DONE);
	check_eq(vm.state, MONITOR_PAUSED);
	check_str(ctl("--json", path, "cont"), "{\"return\":{}}\r\n");
}

/* The last time that was set for answers of this thread; in place of libc's. */
static __thread long patience;

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET && option == SO_RCVTIMEO)
		patience = ((const struct timeval *)value)->tv_sec;
	return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

static long patience_for(char *command)
{
	char *argv[] = { path, command };
	FILE *out = fopen("/dev/null", "w");

	patience = -1;
	ctl_run(2, argv, out);
	fclose(out);
	return patience;
}

static long patience_in_the_thread;

static void note_patience(void *command)
{
	patience_in_the_thread = patience_for(command);
}

Test(ctl, waits_for_a_save_as_long_as_it_takes, .init = setup, .fini = teardown)
{
	static char save[] = "save warm", reset[] = "vm-reset", other[] = "query-status";

	driver_with_thread(&host, note_patience, other);
	check_eq(patience_in_the_thread, 30);
	driver_with_thread(&host, note_patience, reset);
	check_eq(patience_in_the_thread, 0);
	driver_with_thread(&host, note_patience, save);
	check_eq(patience_in_the_thread, 0);
}

Test(ctl, arguments, .init = setup, .fini = teardown)
{
	check_str(ctl(path, "object-add", "qom-type=memory-backend-file", "id=mem2", "size=4G",
		      "mem-path=/a=b,c", "share=on"),
		  "");
	check_eq(status, CTL_DONE);
	check_eq(vm.backend.size, 4ULL << 30);
	check_eq(vm.backend.share, true);
	check_str(vm.backend_path, "/a=b,c");
	check_str(ctl(path, "device_add", "driver=virtio-pmem", "memdev=mem2", "id=nv2",
		      "memaddr=0x340000000"),
		  "");
	check_eq(vm.devices[1].memaddr, 0x340000000);
	/* QEMU's human spelling of the same command. */
	check_str(ctl(path, "device_add", "virtio-pmem,memdev=mem2,id=nv3"), "");
	check_eq(status, CTL_DONE);
	check_str(vm.devices[2].id, "nv3");
}

static const char *refused(const char *text)
{
	check_eq(status, CTL_REFUSED);
	check_str(output, text);
	return driver_log_text();
}

Test(ctl, refusals, .init = setup, .fini = teardown)
{
	driver_log_capture();
	ctl(path, "device_del", "id=nv1");
	check_contains(refused(""),
		       "mvmm: ctl: virtio based memory devices cannot be unplugged.\n");
	ctl(path, "device_del", "nv2");
	check_contains(refused(""), "Error: Device 'nv2' not found\n");
	ctl(path, "foo");
	check_contains(refused(""), "unknown command: 'foo'\n");
	ctl(path, "stop", "now");
	check_contains(refused(""), "Try \"help stop\" for more information\n");
	ctl("--json", path, "device_del", "id=nv1");
	refused("{\"error\":{\"class\":\"GenericError\","
		"\"desc\":\"virtio based memory devices cannot be unplugged.\"}}\r\n");
	ctl("--json", path, "foo");
	refused("{\"return\":\"unknown command: 'foo'\\r\\n\"}\r\n");
}

Test(ctl, usage, .init = setup, .fini = teardown)
{
	driver_log_capture();
	ctl(path);
	check_eq(status, CTL_USAGE);
	ctl("--json");
	check_eq(status, CTL_USAGE);
	ctl("--jsn", path, "stop");
	check_eq(status, CTL_USAGE);
	ctl(path, "");
	check_eq(status, CTL_USAGE);
	check_contains(driver_log_text(), "say mvmm ctl [--json] PATH COMMAND");
	ctl(path, "object-add", "size=much");
	check_eq(status, CTL_USAGE);
	check_contains(driver_log_text(), "Parameter 'size' expects size");
	check_eq(vm.pauses, 0);
}

Test(ctl, nobody_there, .init = setup, .fini = teardown)
{
	char far[200];

	driver_log_capture();
	ctl("/nowhere/at/all", "stop");
	check_eq(status, CTL_NO_ANSWER);
	check_contains(driver_log_text(),
		       "ctl: /nowhere/at/all: cannot connect: No such file or directory");
	memset(far, 'a', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	ctl(far, "stop");
	check_eq(status, CTL_NO_ANSWER);
	check_contains(driver_log_text(), "File name too long");
}

/* The path of --monitor instead of --qmp's. */
/*
 * bad input: Control socket: mvmm ctl connects to something that is not QMP -> it ends with an
 * error
 */
Test(ctl, not_qmp, .init = setup, .fini = teardown)
{
	struct error err = { 0 };
	char monitor[64], where[80];

	snprintf(monitor, sizeof(monitor), "%s/hmp", directory);
	snprintf(where, sizeof(where), "unix:%s", monitor);
	check_eq(control_open(&control, CONTROL_HMP, where, &err), 0, "%s", err.text);
	driver_log_capture();
	ctl(monitor, "stop");
	check_eq(status, CTL_NO_ANSWER);
	check_contains(driver_log_text(), "not QMP");
}

/* bad input: Control socket: mvmm ctl loses the connection -> it ends with an error */
Test(ctl, the_other_side_ends, .init = setup, .fini = teardown)
{
	driver_log_capture();
	/* One too many: turned away without a greeting. */
	control.clients.count = CONTROL_MAX_CLIENTS;
	ctl(path, "stop");
	control.clients.count = 0;
	check_eq(status, CTL_NO_ANSWER);
	check_contains(driver_log_text(), "ended the connection");
	check_contains(driver_log_text(), "1000 clients are connected");
}

Test(ctl, output_that_cannot_be_written, .init = setup, .fini = teardown)
{
	driver_log_capture();
	full = fopen("/dev/full", "w");
	ctl(path, "query-status");
	check_eq(status, CTL_NO_ANSWER);
	check_contains(driver_log_text(), "cannot write the answer: No space left on device");
}
