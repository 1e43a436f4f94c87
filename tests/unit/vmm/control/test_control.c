// SPDX-License-Identifier: Apache-2.0
/* The control plane as a whole: what --qmp and --monitor name, many clients, the end. */
#include "vmm/control/control.h"

#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/json_stream.h"
#include "vmm/wiring/serial_port.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>

TestSuite(control, .timeout = 60);

#define HMP_GREETING MONITOR_PACKAGE " monitor - type 'help' for more information\r\n(mvmm) "

static struct driver_host host;
static struct fake_vm vm;
static struct control control;
static char directory[] = "/tmp/mvmm-test-XXXXXX";
static char path[64], where[128];

static void setup(void)
{
	driver_host_init(&host);
	fake_vm_init(&vm);
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	snprintf(where, sizeof(where), "unix:%s", path);
	control_init(&control, &vm.monitor, &host.loop);
}

static void teardown(void)
{
	event_loop_fini(&host.loop);
	control_fini(&control);
	check_eq(rmdir(directory), 0, "something was left there");
}

static const char *try_open(enum control_protocol protocol, const char *spec)
{
	static struct error err;

	err.text[0] = '\0';
	check_eq(control_open(&control, protocol, spec, &err) < 0, err.text[0] != '\0');
	return err.text;
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		check_eq(errno, EAGAIN);
		driver_settle(&host);
	}
	return fd;
}

Test(control, unix_sockets, .init = setup, .fini = teardown)
{
	check_str(try_open(CONTROL_QMP, where), "");
	check_contains(fake_vm_hear(&host, connect_client()), "{\"QMP\":");
	snprintf(path, sizeof(path), "%s/a,b", directory);
	snprintf(where, sizeof(where), "unix:%s/a,,b,server=on,wait=off", directory);
	check_str(try_open(CONTROL_HMP, where), "");
	check_str(fake_vm_hear(&host, connect_client()), HMP_GREETING);
}

Test(control, bad_places, .init = setup, .fini = teardown)
{
	int pipe_fds[2], file;

	check_str(try_open(CONTROL_QMP, "tcp:1"), "--qmp tcp:1: must be unix:PATH, fd:N or stdio");
	check_contains(try_open(CONTROL_HMP, "unix:"), "--monitor");
	check_contains(try_open(CONTROL_QMP, "unix:/nowhere/at/all"),
		       "--qmp unix:/nowhere/at/all: cannot listen there: No such file");
	check_contains(try_open(CONTROL_QMP, "unix:/x,server=off"), "must be server=on");
	check_contains(try_open(CONTROL_QMP, "unix:/x,wait=on"), "must be wait=off");
	check_contains(try_open(CONTROL_QMP, "unix:/x,mode=1"), "mode=1: unknown key");
	check_contains(try_open(CONTROL_QMP, "fd:x"), "--qmp fd:x: must be fd: and the number");
	check_contains(try_open(CONTROL_QMP, "fd:999"), "is not open");
	check_eq(pipe(pipe_fds), 0);
	snprintf(where, sizeof(where), "fd:%d", pipe_fds[0]);
	check_contains(try_open(CONTROL_QMP, where), "not open for reading and writing");
	file = memfd_create("no socket", 0);
	snprintf(where, sizeof(where), "fd:%d", file);
	check_contains(try_open(CONTROL_QMP, where), "is not a stream socket");
	check_eq(fcntl(file, F_GETFD), -1, "it was taken");
	check_eq(control.n_endpoints, 0);
}

Test(control, inherited_sockets, .init = setup, .fini = teardown)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ends[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

	fake_vm_sockets(ends);
	snprintf(where, sizeof(where), "fd:%d", ends[1]);
	check_str(try_open(CONTROL_HMP, where), "");
	check_str(fake_vm_hear(&host, ends[0]), HMP_GREETING);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	check_eq(listen(fd, 4), 0);
	snprintf(where, sizeof(where), "fd:%d", fd);
	check_str(try_open(CONTROL_QMP, where), "");
	check_contains(fake_vm_hear(&host, connect_client()), "{\"QMP\":");
	unlink(path);
}

/* What is on standard input is done before its end ends it; standard output stays open. */
Test(control, stdio, .init = setup, .fini = teardown)
{
	int in[2], out[2];

	check_eq(pipe(in), 0);
	check_eq(pipe(out), 0);
	check_eq(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	check_str(try_open(CONTROL_QMP, "stdio"), "");
	fake_vm_say(in[1], "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-name\"}");
	close(in[1]);
	check_contains(fake_vm_hear(&host, out[0]), "}\r\n{\"return\":{}}\r\n{\"return\":{}}\r\n");
	check_eq(control.clients.count, 0);
	check_eq(fcntl(STDOUT_FILENO, F_GETFD), 0);
}

/*
 * bad input: Control socket: 1,001 clients, where mvmm may have 1,024 descriptors -> 1,000 of them
 * are served, and the last one is told that there are too many
 */
Test(control, a_thousand_clients, .init = setup, .fini = teardown)
{
	static int fds[CONTROL_MAX_CLIENTS];
	struct rlimit limit;
	int one_more;

	/* As a login shell has it: too little for the clients and the VM's own files. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 1024;
	setrlimit(RLIMIT_NOFILE, &limit);
	check_str(try_open(CONTROL_QMP, where), "");
	driver_log_capture();
	for (unsigned i = 0; i < CONTROL_MAX_CLIENTS; i++)
		fds[i] = connect_client();
	while (control.clients.count < CONTROL_MAX_CLIENTS)
		driver_settle(&host);
	one_more = connect_client();
	check_str(fake_vm_hear(&host, one_more), "<end>");
	check_contains(driver_log_text(), "--qmp: 1000 clients are connected");
	check_contains(fake_vm_ask(&host, fds[0], "{\"execute\":\"qmp_capabilities\"}"),
		       "{\"return\":{}}");
	close(fds[500]);
	driver_settle(&host);
	driver_settle(&host);
	check_contains(fake_vm_hear(&host, connect_client()), "{\"QMP\":");
}

/*
 * bad input: Control socket: many clients that each send 256 KiB of a request that does not end ->
 * all together get 44 MiB; a client that exceeds this is told and disconnected, and the others are
 * served
 */
Test(control, clients_share_memory, .init = setup, .fini = teardown)
{
	static char text[JSON_STREAM_MAX_SIZE];
	int fds[200], small, n_told = 0;

	check_str(try_open(CONTROL_QMP, where), "");
	small = connect_client();
	check_contains(fake_vm_hear(&host, small), "{\"QMP\":");
	memset(text, 'a', sizeof(text));
	text[0] = '"';
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		size_t said = 0;
		ssize_t n;

		fds[i] = connect_client();
		check_contains(fake_vm_hear(&host, fds[i]), "{\"QMP\":");
		while (said < sizeof(text) &&
		       ((n = write(fds[i], text + said, sizeof(text) - said)) > 0 ||
			errno == EAGAIN)) {
			said += n > 0 ? (size_t)n : 0;
			driver_settle(&host);
			cr_assert(control.clients.budget.spent <= CONTROL_CLIENTS_BUDGET);
		}
		if (strstr(fake_vm_hear(&host, fds[i]), "all clients together use as much memory"))
			n_told++;
	}
	check_eq(n_told, (int)ARRAY_SIZE(fds) - 175, "256 KiB, with its NUL, each");
	check_eq(control.clients.count, 176);
	check_contains(fake_vm_ask(&host, small, "{\"execute\":\"qmp_capabilities\"}"),
		       "{\"return\":{}}");
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	while (control.clients.count > 1)
		driver_settle(&host);
	check_eq(control.clients.budget.spent, 0);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The VM ends: the last words get out, but a client that does not listen holds nothing up. */
/*
 * bad input: Control socket: a client that does not read when the VM ends -> it delays the end by
 * a moment at most
 */
Test(control, drain, .init = setup, .fini = teardown)
{
	double before = seconds();
	int fd;

	control_drain(&control);
	check_str(try_open(CONTROL_QMP, where), "");
	fd = connect_client();
	fake_vm_ask(&host, fd, "{\"execute\":\"qmp_capabilities\"}");
	control_drain(&control);
	monitor_shutdown(&vm.monitor, MONITOR_GUEST_SHUTDOWN);
	control_drain(&control);
	cr_assert(seconds() - before < 0.9);
	check_contains(fake_vm_hear(&host, fd), "guest-shutdown");
	control.drain_ns = 50 * NS_PER_MS;
	for (unsigned i = 0; i < 5000; i++)
		monitor_stopped(&vm.monitor);
	before = seconds();
	control_drain(&control);
	cr_assert(seconds() - before >= 0.05);
	cr_assert(seconds() - before < 2);
	check_eq(control.clients.count, 1);
}

static struct console console;
static struct console_tail tail;
static struct serial_port port;
static struct bus bus;

static void quit_key(struct console *c)
{
	vm.quits++;
}

static void monitor_begins(struct console *c)
{
	control_console_begins(&control);
}

static void monitor_input(struct console *c, const uint8_t *bytes, unsigned len)
{
	control_console_input(&control, (const char *)bytes, len);
}

static void monitor_ends(struct console *c)
{
	control_console_ends(&control);
}

static bool monitor_edits(struct console *c)
{
	return control_console_edits(&control);
}

static bool monitor_print(struct console *c, const uint8_t *bytes, unsigned len)
{
	return control_console_print(&control, (const char *)bytes, len);
}

static const struct console_ops console_ops = {
	quit_key, monitor_begins, monitor_input, monitor_ends, monitor_edits, monitor_print,
};

static int typed[2], shown[2];

static void open_console(bool terminal)
{
	static const struct config_sink config = { .option = "--serial", .given = "stdio" };
	static struct test_line line;

	setup();
	check_eq(pipe(typed), 0);
	check_eq(pipe(shown), 0);
	check_eq(fcntl(shown[0], F_SETFL, O_NONBLOCK), 0);
	dup2(shown[1], STDOUT_FILENO);
	check_eq(control_open_console(&control, terminal), 0);
	test_line_init(&line);
	serial_port_init(&port, &console, &line.line);
	check_eq(console_init(&console, &console_ops, &port.device, &host.loop, &tail), 0);
	console_attach(&console, &config, typed[0], STDOUT_FILENO);
	console.sinks[0].escape_key = true;
	check_eq(bus_add(&bus, &port.ports), 0);
	console_start(&console);
}

static void setup_console(void)
{
	open_console(false);
}

static void written(struct control *c)
{
	console_printed(&console);
}

static void setup_terminal(void)
{
	open_console(true);
	control.console_written = written;
}

static const char *type_keys(const char *keys)
{
	fake_vm_say(typed[1], keys);
	return fake_vm_hear(&host, shown[0]);
}

/* What the guest has received since the last call. */
static const char *received(void)
{
	static char text[64];
	unsigned n = 0;

	while (bus_read(&bus, port.ports.start + 5, 1) & 1)
		text[n++] = (char)bus_read(&bus, port.ports.start, 1);
	text[n] = '\0';
	return text;
}

/* What appears when the guest writes @text. */
static const char *print_from_guest(const char *text)
{
	for (; *text; text++)
		bus_write(&bus, port.ports.start, 1, (uint8_t)*text);
	return fake_vm_hear(&host, shown[0]);
}

static size_t count_of(const char *text, char wanted)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == wanted;
	return n;
}

#define LINE(typed) "\r(mvmm) " typed "\033[K"

/* The guest writes while a line is typed: its lines come above, and wait until they are whole. */
Test(control, guest_writes_above_the_line, .init = setup_terminal, .fini = teardown)
{
	check_str(print_from_guest("before\n"), "before\n");
	type_keys("\001c");
	type_keys("info k");
	check_str(print_from_guest("one\ntwo\nthr"), "\r\033[Kone\ntwo\n" LINE("info k"));
	check_str(print_from_guest("ee"), "");
	type_keys("\033[D");
	check_str(print_from_guest("\n"), "\r\033[Kthree\n" LINE("info k") "\033[1D");
	check_contains(type_keys("\033[Cvm\r"), "kvm support: enabled\r\n(mvmm) ");
	check_str(print_from_guest("login: "), "");
	type_keys("xy");
	/* The line goes, and then what was held back comes. */
	check_str(type_keys("\001c"), "\r\033[Klogin: ");
	check_str(print_from_guest("more"), "more");
	check_eq(console_report(&console), 0);
}

/*
 * bad input: Console: a guest that writes a very long line while a user types at the monitor on the
 * same terminal -> the line is shown in pieces, and no byte is lost
 */
Test(control, guest_writes_without_an_end, .init = setup_terminal, .fini = teardown)
{
	static char text[5001];

	memset(text, 'z', sizeof(text) - 1);
	type_keys("\001c");
	check_eq(count_of(print_from_guest(text), 'z'), 4096);
	check_eq(count_of(type_keys("\001c"), 'z'), 5000 - 4096);
	check_eq(console_report(&console), 0);
}

/*
 * bad input: Console: clients use up their memory while a user types at the monitor on the guest's
 * terminal -> the monitor ends, and the guest's output comes as before
 */
Test(control, guest_writes_when_the_monitor_has_no_memory, .init = setup_terminal, .fini = teardown)
{
	static char text[5001];

	memset(text, 'z', sizeof(text) - 1);
	type_keys("\001c");
	control.clients.budget.spent = control.clients.budget.limit;
	check_eq(count_of(print_from_guest(text), 'z'), 5000);
	check_str(print_from_guest("more"), "more");
	check_eq(console_report(&console), 0);
	control.clients.budget.spent = 0;
}

/* Two writes in flight have no order, and the line's removal must not remove the guest's text. */
Test(control, guest_waits_until_the_line_is_gone, .init = setup_terminal, .fini = teardown)
{
	type_keys("\001c");
	check_str(print_from_guest("bye"), "");
	control.console_written = NULL;
	check_str(type_keys("\001c"), "\r\033[K");
	console_printed(&console);
	check_str(print_from_guest(""), "bye");
}

/* The end of the VM is like Ctrl-A C. */
Test(control, guest_writes_last_words, .init = setup_terminal, .fini = teardown)
{
	type_keys("\001c");
	type_keys("qu");
	check_str(print_from_guest("bye"), "");
	console_leave_monitor(&console);
	control_drain(&control);
	console_drain(&console);
	check_str(fake_vm_hear(&host, shown[0]), "\r\033[Kbye");
	check_eq(console_report(&console), 0);
}

/* Serial port and monitor on standard input: Ctrl-A C goes from one to the other. */
Test(control, console_switches, .init = setup_console, .fini = teardown)
{
	check_str(type_keys("ab"), "");
	check_str(received(), "ab");
	check_str(type_keys("c\001c"), HMP_GREETING);
	check_str(received(), "c");
	check_str(type_keys("info kvm\nstop\n"), "kvm support: enabled\r\n(mvmm) (mvmm) ");
	check_eq(vm.state, MONITOR_PAUSED);
	check_str(received(), "");
	check_str(type_keys("\001Cde"), "");
	check_str(received(), "de");
	/* Back and forth at once; each has its bytes. */
	check_str(type_keys("f\001cinfo kvm\n\001cg"),
		  "\r\n(mvmm) kvm support: enabled\r\n(mvmm) ");
	check_str(received(), "fg");
	type_keys("\001x");
	check_eq(vm.quits, 1);
}

/* The monitor is for when the guest does nothing any more. */
/*
 * bad input: Control socket: a guest that does not read its console, with the monitor on the same
 * terminal -> the monitor works
 */
Test(control, console_of_a_guest_that_does_not_read, .init = setup_console, .fini = teardown)
{
	type_keys("\001c");
	serial_input(&port.serial, (const uint8_t *)"0123456789abcdef", SERIAL_FIFO_SIZE);
	check_eq(serial_input_space(&port.serial), 0);
	check_str(type_keys("\ninfo kvm\n"), "(mvmm) kvm support: enabled\r\n(mvmm) ");
	type_keys("\001cxyz");
	check_str(received(), "0123456789abcdefxyz");
}
