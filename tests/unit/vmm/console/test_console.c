// SPDX-License-Identifier: Apache-2.0
/* The serial port with pipes, a pseudo-terminal, or nothing behind it. */
#include "vmm/wiring/serial_port.h"

#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

TestSuite(console, .timeout = 10);

static struct driver_host host;
static struct console console;
static struct console_sink *const sink = &console.sinks[0];
static struct console_tail tail;
static struct serial_port port;
static struct config_sink config = { .option = "--serial", .given = "stdio" };
static struct bus bus;
static int in[2], out[2]; /* pipes: [0] is read, [1] written */
static struct test_line line;
static unsigned quits;

static void quit(struct console *c)
{
	quits++;
}

static const struct console_ops ops = { .quit = quit };

static void attach(int in_fd, int out_fd)
{
	signal(SIGPIPE, SIG_IGN);
	test_line_init(&line);
	serial_port_init(&port, &console, &line.line);
	check_eq(console_init(&console, &ops, &port.device, &host.loop, &tail), 0);
	if (in_fd >= 0 || out_fd >= 0)
		console_attach(&console, &config, in_fd, out_fd);
	sink->escape_key = in_fd >= 0 && isatty(in_fd);
	check_eq(bus_add(&bus, &port.ports), 0);
	console_start(&console);
	driver_settle(&host);
}

static void setup(void)
{
	driver_host_init(&host);
	check_eq(pipe(in), 0);
	check_eq(pipe(out), 0);
	attach(in[0], out[1]);
}

static uint8_t read_register(unsigned reg)
{
	return (uint8_t)bus_read(&bus, LAYOUT_SERIAL_PORT + reg, 1);
}

static void write_register(unsigned reg, uint8_t value)
{
	bus_write(&bus, LAYOUT_SERIAL_PORT + reg, 1, value);
}

static bool has_room(void)
{
	return read_register(UART_LSR) & UART_LSR_THRE;
}

static uint64_t interrupts(void)
{
	eventfd_t count = 0;

	if (eventfd_read(line.fd, &count) < 0)
		check_eq(errno, EAGAIN);
	return count;
}

/* What the guest reads until there is no more, waiting for nothing. */
static const char *received(void)
{
	static char text[CONSOLE_INPUT_SIZE + 8192];
	unsigned n = 0;

	driver_settle(&host);
	while (read_register(UART_LSR) & UART_LSR_DR) {
		text[n++] = (char)read_register(UART_RX);
		if (!(read_register(UART_LSR) & UART_LSR_DR))
			driver_settle(&host);
	}
	text[n] = '\0';
	return text;
}

Test(console, output, .init = setup)
{
	char text[16] = "";

	for (const char *s = "hello\n"; *s; s++) {
		cr_assert(has_room());
		write_register(UART_TX, (uint8_t)*s);
	}
	driver_await(&host, out[0], POLLIN);
	driver_settle(&host);
	check_eq(read(out[0], text, sizeof(text) - 1), 6);
	check_str(text, "hello\n");
}

/* Three times around the buffer, with a reader that keeps up now and then. */
Test(console, much_output_keeps_its_order, .init = setup)
{
	static uint8_t bytes[4096];
	unsigned written = 0, taken = 0;

	while (taken < 3 * CONSOLE_BUFFER_SIZE + 1000) {
		ssize_t n;

		for (unsigned i = 0; i < 5000 && has_room(); i++)
			write_register(UART_TX, (uint8_t)(written++ % 251));
		driver_await(&host, out[0], POLLIN);
		n = read(out[0], bytes, sizeof(bytes));
		for (ssize_t i = 0; i < n; i++, taken++)
			check_eq(bytes[i], taken % 251);
		driver_settle(&host);
	}
}

static void fill(void)
{
	unsigned n = 0;

	fcntl(out[1], F_SETPIPE_SZ, 4096);
	for (; has_room(); n++) {
		write_register(UART_TX, 'a');
		if (n % 1000 == 0)
			driver_settle(&host);
	}
	driver_settle(&host);
	while (has_room()) {
		write_register(UART_TX, 'a');
		n++;
	}
	/* The buffer, and what the kernel takes behind it. */
	cr_assert(n >= CONSOLE_BUFFER_SIZE && n <= 4 * CONSOLE_BUFFER_SIZE, "%u", n);
}

static void expect_room_again(void)
{
	static uint8_t bytes[65536];

	write_register(UART_IER, UART_IER_THRI);
	check_eq(interrupts(), 0);
	check_eq(ring_count(&sink->output.ring), CONSOLE_BUFFER_SIZE);
	/* What comes nevertheless is dropped, and nothing else. */
	for (unsigned n = 0; n < 1000; n++)
		write_register(UART_TX, 'b');
	check_eq(ring_count(&sink->output.ring), CONSOLE_BUFFER_SIZE);
	while (!has_room()) {
		cr_assert(read(out[0], bytes, sizeof(bytes)) > 0);
		driver_await(&host, out[0], POLLIN);
		driver_settle(&host);
	}
	cr_assert(ring_count(&sink->output.ring) <= CONSOLE_BUFFER_SIZE / 2,
		  "not for each byte anew");
	cr_assert(interrupts() >= 1);
	cr_assert(!memchr(bytes, 'b', sizeof(bytes)));
}

Test(console, reader_that_does_not_read, .init = setup)
{
	fill();
	expect_room_again();
}

/* Somebody else made the descriptor non-blocking. */
Test(console, non_blocking_output)
{
	driver_host_init(&host);
	check_eq(pipe(out), 0);
	check_eq(fcntl(out[1], F_SETFL, O_NONBLOCK), 0);
	attach(-1, out[1]);
	fill();
	expect_room_again();
}

/* The same with a terminal, whose write says so where a pipe's waits. */
Test(console, non_blocking_terminal)
{
	struct termios t;

	driver_host_init(&host);
	check_eq(openpty(&out[0], &out[1], NULL, NULL, NULL), 0);
	tcgetattr(out[1], &t);
	cfmakeraw(&t);
	tcsetattr(out[1], TCSANOW, &t);
	check_eq(fcntl(out[1], F_SETFL, O_NONBLOCK), 0);
	attach(-1, out[1]);
	fill();
	expect_room_again();
}

/* Older kernels answer so instead of waiting for room. */
Test(console, write_that_has_to_be_tried_again, .init = setup)
{
	char c = 0;

	write_register(UART_TX, 'a');
	sink->write_queued = true;
	sink->write.done(&sink->write, -EAGAIN);
	driver_await(&host, out[0], POLLIN);
	check_eq(read(out[0], &c, 1), 1);
	check_eq(c, 'a');
}

Test(console, reader_that_goes_away, .init = setup)
{
	driver_log_capture();
	close(out[0]);
	for (unsigned n = 0; n < 3 * CONSOLE_BUFFER_SIZE; n++) {
		if (n % 5000 == 0)
			driver_settle(&host);
		cr_assert(has_room(), "%u", n);
		write_register(UART_TX, 'a');
	}
	check_contains(driver_log_text(), "cannot write the guest's output: Broken pipe");
	/* Input goes on. */
	check_eq(write(in[1], "x", 1), 1);
	check_str(received(), "x");
}

Test(console, reader_that_goes_away_while_the_guest_waits, .init = setup)
{
	driver_log_capture();
	fill();
	close(out[0]);
	driver_settle(&host);
	cr_assert(has_room());
	check_contains(driver_log_text(), "cannot write the guest's output: Broken pipe");
}

Test(console, no_output)
{
	driver_host_init(&host);
	attach(-1, -1);
	for (unsigned n = 0; n < 2 * CONSOLE_BUFFER_SIZE; n++) {
		cr_assert(has_room());
		write_register(UART_TX, 'a');
	}
	check_str(received(), "");
	console_drain(&console);
}

Test(console, input, .init = setup)
{
	write_register(UART_IER, UART_IER_RDI);
	check_eq(write(in[1], "abc", 3), 3);
	driver_settle(&host);
	check_eq(interrupts(), 1);
	check_str(received(), "abc");
	check_eq(write(in[1], "de", 2), 2);
	check_str(received(), "de");
}

#define MUCH 6000 /* more than there is room for in the port and in mvmm */

static const char *make_text(void)
{
	static char text[MUCH + 1];

	for (unsigned i = 0; i < MUCH; i++)
		text[i] = (char)('a' + i % 26);
	return text;
}

/*
 * bad input: Console: a pipe with more input than the guest reads -> the rest stays in the pipe,
 * and nothing is lost
 */
Test(console, much_input, .init = setup)
{
	int left = 0;

	check_eq(write(in[1], make_text(), MUCH), MUCH);
	for (unsigned n = 0; n < 20; n++)
		driver_settle(&host);
	check_eq(serial_input_space(&port.serial), 0);
	check_eq(sink->input_polled, false, "nobody asks for what there is no room for");
	check_eq(ioctl(in[0], FIONREAD, &left), 0);
	check_eq(left, MUCH - CONSOLE_INPUT_AHEAD - SERIAL_FIFO_SIZE);
	check_eq(read_register(UART_LSR) & UART_LSR_OE, 0);
	check_str(received(), make_text());
}

/* Types @len bytes, as a paste does, as fast as mvmm reads them. */
static void type_keys(size_t len)
{
	int unread;

	for (size_t left = len, n; left; left -= n) {
		n = left < MUCH ? left : MUCH;
		check_eq(write(in[1], make_text(), n), (ssize_t)n);
		do {
			driver_settle(&host);
			check_eq(ioctl(in[0], FIONREAD, &unread), 0);
		} while (unread);
	}
	driver_settle(&host);
}

Test(console, pasted_input_is_kept, .init = setup)
{
	const char *text;

	sink->escape_key = true;
	type_keys(26000);
	text = received();
	check_eq(strlen(text), 26000);
	for (size_t i = 0; i < 26000; i += MUCH)
		cr_assert(strncmp(text + i, make_text(),
				  strlen(text + i) < MUCH ? 26000 % MUCH : MUCH) == 0,
			  "at %zu", i);
	check_eq(console.input_dropped, 0);
	check_str(driver_log_text(), "");
}

/*
 * A guest that reads nothing cannot keep its user from ending it.
 * bad input: Console: the user types more keys than the guest reads -> 1 MiB is kept, the rest is
 * dropped with a message and counted, and Ctrl-A still works
 */
Test(console, escape_key_behind_much_input, .init = setup)
{
	static uint8_t kept[CONSOLE_INPUT_SIZE + 1];

	sink->escape_key = true;
	/* The guest's FIFO is full of what came first. */
	type_keys(SERIAL_FIFO_SIZE);
	ring_put(&console.input, console.in, CONSOLE_INPUT_SIZE, kept, CONSOLE_INPUT_SIZE - MUCH);
	type_keys(MUCH);
	check_eq(console.input_dropped, 0);
	type_keys(MUCH);
	check_eq(console.input_dropped, MUCH);
	check_eq(write(in[1], "\001x", 2), 2);
	for (unsigned n = 0; n < 100 && !quits; n++)
		driver_settle(&host);
	check_eq(quits, 1);
	check_eq(sink->input_polled, true);
	check_eq(console_take(&console, kept, sizeof(kept)), CONSOLE_INPUT_SIZE);
	check_eq(strlen(received()), SERIAL_FIFO_SIZE);
	check_eq(write(in[1], "x", 1), 1);
	check_str(received(), "x");
}

Test(console, escape_key_is_only_for_terminals, .init = setup)
{
	check_eq(write(in[1], "\001x\001", 3), 3);
	check_str(received(), "\001x\001");
	check_eq(quits, 0);
}

Test(console, input_ends, .init = setup)
{
	check_eq(write(in[1], "last", 4), 4);
	close(in[1]);
	check_str(received(), "last");
	driver_settle(&host);
	check_eq(sink->input_polled, false, "nobody waits for more");
	check_eq(sink->in_fd, -1);
	check_str(received(), "");
	write_register(UART_TX, 'a');
	driver_await(&host, out[0], POLLIN);
}

Test(console, escape_key, .init = setup)
{
	static const struct {
		const char *typed, *received;
		unsigned quits;
	} cases[] = {
		{ "abc", "abc", 0 },
		{ "\001x", "", 1 },
		{ "\001X", "", 1 },
		{ "a\001xb", "ab", 1 },
		{ "\001\001", "\001", 0 },
		{ "\001\001x", "\001x", 0 },
		{ "\001\001\001x", "\001", 1 },
		{ "\001c", "", 0 },
		{ "\001cx", "x", 0 },
		{ "x\003\004", "x\003\004", 0 },
	};

	sink->escape_key = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].typed);

		/* All at once, then key by key. */
		quits = 0;
		check_eq(write(in[1], cases[i].typed, len), len);
		check_str(received(), cases[i].received);
		check_eq(quits, cases[i].quits, "case %zu", i);
		for (size_t k = 0; k < len; k++) {
			check_eq(write(in[1], cases[i].typed + k, 1), 1);
			driver_settle(&host);
		}
		check_str(received(), cases[i].received);
		check_eq(quits, 2 * cases[i].quits, "case %zu", i);
	}
}

static int terminal;

static void setup_terminal(void)
{
	struct termios t;
	int slave;

	driver_host_init(&host);
	check_eq(openpty(&terminal, &slave, NULL, NULL, NULL), 0);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	attach(slave, slave);
}

Test(console, escape_key_on_a_terminal, .init = setup_terminal)
{
	check_eq(sink->escape_key, true);
	check_eq(write(terminal, "\001x.", 3), 3);
	/* Keys pass through the terminal in their own time. */
	while (serial_input_space(&port.serial) == SERIAL_FIFO_SIZE)
		driver_settle(&host);
	check_eq(read_register(UART_RX), '.');
	check_eq(quits, 1);
}

Test(console, terminal_hangs_up, .init = setup_terminal)
{
	close(terminal);
	check_str(received(), "");
	for (unsigned n = 0; n < 100; n++)
		write_register(UART_TX, 'a');
	driver_settle(&host);
	driver_settle(&host);
	cr_assert(has_room());
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* At the end: everything that was written gets out, even if the loop has not run since. */
Test(console, drain_writes_the_rest, .init = setup)
{
	static char text[20000];

	fcntl(out[1], F_SETPIPE_SZ, 65536);
	for (unsigned n = 0; n < 20000; n++)
		write_register(UART_TX, 'z');
	console_drain(&console);
	check_eq(read(out[0], text, sizeof(text)), 20000);
	check_eq(ring_count(&sink->output.ring), 0);
}

Test(console, drain_of_nothing_does_not_wait, .init = setup)
{
	double before = seconds();

	console_drain(&console);
	write_register(UART_TX, 'a');
	driver_await(&host, out[0], POLLIN);
	driver_settle(&host);
	console_drain(&console);
	cr_assert(seconds() - before < 0.9);
}

Test(console, drain_does_not_wait_for_ever, .init = setup)
{
	double before;

	console.drain_ns = 50 * NS_PER_MS;
	fill();
	before = seconds();
	console_drain(&console);
	cr_assert(seconds() - before >= 0.05);
	cr_assert(seconds() - before < 2);
	cr_assert(ring_count(&sink->output.ring) > 0);
}

Test(console, drain_with_a_reader_that_is_gone, .init = setup)
{
	double before = seconds();

	driver_log_capture();
	close(out[0]);
	write_register(UART_TX, 'a');
	console_drain(&console);
	cr_assert(seconds() - before < 0.9);
}

Test(console, fini)
{
	static struct console zeroed;

	console_fini(&zeroed);
	setup();
	event_loop_fini(&host.loop);
	console_fini(&console);
	console_fini(&console);
}
