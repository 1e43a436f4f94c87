// SPDX-License-Identifier: Apache-2.0
/* Where a console goes to: several places at once, sockets, terminals, limits, stuck readers. */
#include "vmm/console/console_sink.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/clock.h"
#include "vmm/console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

TestSuite(console_sink, .timeout = 20);

static struct driver_host host;
static struct console console;
static struct console_tail tail;
static struct config config;
static char directory[] = "/tmp/mvmm-test.XXXXXX";
static unsigned readies, inputs;

static void output_ready(struct console_device *device)
{
	readies++;
}

static void input_ready(struct console_device *device)
{
	inputs++;
}

static const struct console_device_ops device_ops = { output_ready, input_ready };
static struct console_device device = { &device_ops };

static void quit(struct console *c)
{
	cr_assert_fail("no key of ours was pressed");
}

static const struct console_ops ops = { .quit = quit };

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	driver_host_init(&host);
	driver_log_capture();
	cr_assert(mkdtemp(directory));
	check_eq(chdir(directory), 0);
	check_eq(console_init(&console, &ops, &device, &host.loop, &tail), 0);
}

static void teardown(void)
{
	event_loop_fini(&host.loop);
	console_fini(&console);
	unlink("log");
	cr_assert(rmdir(directory) == 0, "%s is not empty", directory);
}

/* What --serial @value... (up to a NULL) is. */
static int open_all(const char *const *values, struct error *err)
{
	char name[] = "mvmm", kernel[] = "-kk", option[] = "--serial";
	char *argv[16] = { name, kernel };
	int argc = 2;

	for (; *values; values++) {
		argv[argc++] = option;
		argv[argc++] = strdup(*values);
	}
	check_eq(config_parse(&config, argc, argv, err), 0, "%s", err->text);
	return console_open(&console, &config.serial, err);
}

static void start_console(const char *const *values)
{
	struct error err = { 0 };

	check_eq(open_all(values, &err), 0, "%s", err.text);
	console_start(&console);
	driver_settle(&host);
}

#define BEGIN(...) start_console((const char *const[]){ __VA_ARGS__, NULL })

static unsigned write_from_guest(const char *text)
{
	unsigned room = console_write(&console, (const uint8_t *)text, (unsigned)strlen(text));

	driver_settle(&host);
	return room;
}

/* What is at @fd; waits for at least @min bytes. */
static const char *read_from(int fd, unsigned min)
{
	static char text[4 * CONSOLE_BUFFER_SIZE];
	unsigned len = 0;

	while (len < min) {
		ssize_t n;

		driver_await(&host, fd, POLLIN);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		cr_assert(n > 0, "%u bytes, then %s", len, n ? strerror(errno) : "the end");
		len += (unsigned)n;
	}
	text[len] = '\0';
	return text;
}

static const char *taken(void)
{
	static char text[CONSOLE_INPUT_SIZE + 1];

	driver_settle(&host);
	text[console_take(&console, (uint8_t *)text, CONSOLE_INPUT_SIZE)] = '\0';
	return text;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	check_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	driver_settle(&host);
	return fd;
}

static void disconnect(int fd)
{
	close(fd);
	driver_settle(&host);
	driver_settle(&host);
}

/* What is in the file that sink @i writes to, once all is that it has. */
static const char *content(unsigned i, const char *path)
{
	static char text[4 * CONSOLE_BUFFER_SIZE];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	while (console.sinks[i].writing)
		driver_settle(&host);
	n = read(fd, text, sizeof(text) - 1);
	cr_assert(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static const uint8_t *make_text(void)
{
	static uint8_t bytes[2 * CONSOLE_BUFFER_SIZE];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)('a' + i % 23);
	return bytes;
}

/* Runs the loop until a stuck reader is taken for one. */
static void await_stuck(unsigned i)
{
	for (unsigned n = 0; n < 500 && !console.sinks[i].output.stuck; n++) {
		usleep(1000);
		driver_settle(&host);
	}
	cr_assert(console.sinks[i].output.stuck);
}

Test(console_sink, file_is_made_anew, .init = setup, .fini = teardown)
{
	int fd = open("log", O_WRONLY | O_CREAT, 0600);

	check_eq(write(fd, "what was there", 14), 14);
	close(fd);
	BEGIN("file=log");
	write_from_guest("hello\n");
	console_drain(&console);
	check_str(content(0, "log"), "hello\n");
}

/* Their lines are in it behind each other, and none over another's. */
Test(console_sink, one_file_twice, .init = setup, .fini = teardown)
{
	BEGIN("file=log", "file=log");
	write_from_guest("hello\n");
	console_drain(&console);
	check_str(content(0, "log"), "hello\nhello\n");
}

/* bad input: Console: nobody reads a FIFO, at the start or later -> nobody waits for a reader */
Test(console_sink, fifo_whose_readers_come_and_go, .init = setup, .fini = teardown)
{
	int fd;

	check_eq(mkfifo("log", 0600), 0);
	BEGIN("file=log");
	write_from_guest("before");
	fd = open("log", O_RDONLY | O_NONBLOCK);
	check_str(read_from(fd, 6), "before");
	close(fd);
	write_from_guest("meanwhile");
	fd = open("log", O_RDONLY | O_NONBLOCK);
	check_str(read_from(fd, 9), "meanwhile");
	close(fd);
	check_str(driver_log_text(), "");
}

Test(console_sink, several_get_all_and_any_may_speak, .init = setup, .fini = teardown)
{
	int first, second;

	BEGIN("file=log", "unix:one", "unix:two");
	first = connect_to("one");
	second = connect_to("two");
	write_from_guest("for all");
	check_str(read_from(first, 7), "for all");
	check_str(read_from(second, 7), "for all");
	check_str(content(0, "log"), "for all");
	check_eq(write(first, "a", 1), 1);
	check_str(taken(), "a");
	check_eq(write(second, "b", 1), 1);
	check_str(taken(), "b");
	check_eq(inputs, 2);
	close(first);
	close(second);
}

/* Nobody listens: nothing waits, nothing is kept, nothing counts as dropped. */
Test(console_sink, socket_whose_clients_come_and_go, .init = setup, .fini = teardown)
{
	struct stat st;

	BEGIN("unix:s");
	check_eq(stat("s", &st), 0);
	check_eq(st.st_mode & 0777, 0600);
	check_eq(write_from_guest("to nobody"), UINT32_MAX);
	for (unsigned i = 0; i < 5; i++) {
		int fd = connect_to("s");

		write_from_guest("hello");
		check_str(read_from(fd, 5), "hello");
		check_eq(write(fd, "you", 3), 3);
		check_str(taken(), "you");
		disconnect(fd);
		check_eq(console.sinks[0].peer_fd, 0);
		write_from_guest("to nobody");
	}
	check_eq(console_report(&console), 0);
	check_str(driver_log_text(), "");
}

/* As with echo poweroff | nc -U. */
Test(console_sink, socket_client_that_speaks_and_goes, .init = setup, .fini = teardown)
{
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	check_eq(write(fd, "poweroff\n", 9), 9);
	disconnect(fd);
	check_str(taken(), "poweroff\n");
	check_eq(console.sinks[0].peer_fd, 0);
}

static void stop_loop(struct event_timer *timer)
{
	event_loop_stop(&host.loop);
}

/* Runs the loop for @ms milliseconds; returns how many of them it was busy. */
static uint64_t run_for(unsigned ms)
{
	struct event_timer over = { .due = stop_loop };
	uint64_t before = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);

	event_loop_arm(&host.loop, &over, ms * NS_PER_MS);
	check_eq(event_loop_run(&host.loop), 0);
	event_loop_cancel(&host.loop, &over);
	return (clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - before) / NS_PER_MS;
}

/*
 * bad input: Console: a client of the console's socket that sends no more but still reads, as nc
 * -N does -> the client gets the guest's output, mvmm stays idle in between, and the next client
 * is served once this one has gone
 */
Test(console_sink, socket_client_that_has_said_all_still_hears, .init = setup, .fini = teardown)
{
	uint64_t busy;
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	check_eq(write(fd, "x", 1), 1);
	shutdown(fd, SHUT_WR);
	check_str(taken(), "x");
	busy = run_for(250);
	cr_assert(busy < 50, "%lu ms of 250", busy);
	write_from_guest("answer");
	check_str(read_from(fd, 6), "answer");
	disconnect(fd);
	run_for(250);
	check_eq(console.sinks[0].peer_fd, 0);
	fd = connect_to("s");
	write_from_guest("still here");
	check_str(read_from(fd, 10), "still here");
	disconnect(fd);
}

/*
 * bad input: Console: a second client at the console's socket -> it waits until the first has gone
 */
Test(console_sink, socket_has_one_client_at_a_time, .init = setup, .fini = teardown)
{
	struct pollfd poll_second = { .events = POLLIN };
	int first, second;

	BEGIN("unix:s");
	first = connect_to("s");
	second = poll_second.fd = connect_to("s");
	write_from_guest("for the first");
	check_str(read_from(first, 13), "for the first");
	check_eq(poll(&poll_second, 1, 0), 0);
	disconnect(first);
	write_from_guest("for the second");
	check_str(read_from(second, 14), "for the second");
	disconnect(second);
}

/*
 * bad input: Console: a client of the console's socket that does not read, and ends while a write
 * to it is in flight -> the guest goes on, and the next client is served
 */
Test(console_sink, socket_client_dies_while_it_is_stuck, .init = setup, .fini = teardown)
{
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	for (unsigned i = 0; i < 20; i++) {
		console_write(&console, make_text(), CONSOLE_BUFFER_SIZE);
		driver_settle(&host);
	}
	check_eq(console.sinks[0].output.held, true);
	readies = 0;
	disconnect(fd);
	check_eq(console.sinks[0].output.held, false);
	check_eq(readies, 1);
	fd = connect_to("s");
	write_from_guest("still here");
	check_str(read_from(fd, 10), "still here");
	disconnect(fd);
}

/*
 * bad input: Console: a client of the console's socket that sends more than the guest reads, and
 * ends -> 4 KiB of it are kept, and the next client is served
 */
Test(console_sink, socket_client_dies_with_much_unheard, .init = setup, .fini = teardown)
{
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	check_eq(write(fd, make_text(), 2 * CONSOLE_INPUT_AHEAD), 2 * CONSOLE_INPUT_AHEAD);
	driver_settle(&host);
	disconnect(fd);
	fd = connect_to("s");
	write_from_guest("still here");
	check_str(read_from(fd, 10), "still here");
	check_eq(strlen(taken()), CONSOLE_INPUT_AHEAD);
	check_eq(write(fd, "x", 1), 1);
	check_str(taken(), "x");
	disconnect(fd);
}

/*
 * bad input: Console: a reader that reads nothing for 250 ms -> the guest waits for that time
 * only; then its output is dropped and counted, and the line "[N bytes dropped]" takes its place
 */
Test(console_sink, stuck_reader, .init = setup, .fini = teardown)
{
	static const char line[] = "\n[4 bytes dropped]\n";
	unsigned kept = 0;
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	for (; console_write(&console, make_text(), 1024); kept += 1024)
		driver_settle(&host);
	kept += 1024;
	await_stuck(0);
	check_eq(readies, 1, "the guest was told to go on");
	check_contains(driver_log_text(),
		       "--serial unix:s: the reader is too slow for the guest's output");
	check_eq(write_from_guest("lost"), UINT32_MAX);
	check_eq(strncmp(read_from(fd, kept), (const char *)make_text(), 1024), 0);
	check_str(read_from(fd, (unsigned)strlen(line)), line);
	check_eq(console.sinks[0].output.stuck, false);
	write_from_guest("heard");
	check_str(read_from(fd, 5), "heard");
	check_eq(console_report(&console), 4);
	check_contains(driver_log_text(), "--serial unix:s: 4 bytes of the guest's output");
	disconnect(fd);
}

/*
 * bad input: Console: a reader that reads nothing until the end -> what it has not read is counted
 */
Test(console_sink, rest_that_nobody_reads, .init = setup, .fini = teardown)
{
	unsigned left;

	check_eq(mkfifo("log", 0600), 0);
	BEGIN("file=log");
	console_write(&console, make_text(), CONSOLE_BUFFER_SIZE);
	driver_settle(&host);
	console_write(&console, make_text(), 1000);
	console.drain_ns = 20 * NS_PER_MS;
	console_drain(&console);
	left = ring_count(&console.sinks[0].output.ring);
	cr_assert(left > 0);
	check_eq(console_report(&console), left);
	check_contains(driver_log_text(), "bytes of the guest's output were dropped");
}

Test(console_sink, reader_beside_a_stuck_one_loses_nothing, .init = setup, .fini = teardown)
{
	int stuck, fd;

	BEGIN("unix:one", "unix:two");
	stuck = connect_to("one");
	fd = connect_to("two");
	for (unsigned i = 0; i < 150; i++) {
		console_write(&console, make_text() + i, 4096);
		driver_settle(&host);
		check_eq(memcmp(read_from(fd, 4096), make_text() + i, 4096), 0, "%u", i);
	}
	cr_assert(console.sinks[0].output.dropped > 0);
	check_eq(console.sinks[1].output.dropped, 0);
	disconnect(stuck);
	disconnect(fd);
}

/* Time without a wait does not count: the timer of one that ended in time says nothing. */
Test(console_sink, reader_that_is_slow_now_and_then, .init = setup, .fini = teardown)
{
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	for (unsigned round = 0; round < 4; round++) {
		unsigned kept = 0;

		for (; console_write(&console, make_text(), 1024); kept += 1024)
			driver_settle(&host);
		usleep(CONSOLE_PATIENCE_NS / 1000 / 3);
		driver_settle(&host);
		check_eq(readies, round);
		read_from(fd, kept + 1024);
		driver_settle(&host);
		check_eq(readies, round + 1);
	}
	check_eq(console_report(&console), 0);
	disconnect(fd);
}

/* Nor does it keep the next wait from having an end. */
Test(console_sink, reader_that_is_stuck_soon_after_it_was_slow, .init = setup, .fini = teardown)
{
	unsigned kept = 0;
	int fd;

	BEGIN("unix:s");
	fd = connect_to("s");
	for (; console_write(&console, make_text(), 1024); kept += 1024)
		driver_settle(&host);
	read_from(fd, kept + 1024);
	driver_settle(&host);
	check_eq(event_loop_armed(&console.sinks[0].patience), false);
	while (console_write(&console, make_text(), 1024))
		driver_settle(&host);
	await_stuck(0);
	disconnect(fd);
}

/*
 * bad input: Console: a guest that writes more than rate= allows -> the rest is dropped, and a line
 * and a message tell how much
 */
Test(console_sink, rate, .init = setup, .fini = teardown)
{
	BEGIN("file=log,rate=10K");
	for (unsigned i = 0; i < 30; i++) {
		cr_assert(console_write(&console, make_text(), 1000) > 0, "the guest never waits");
		driver_settle(&host);
	}
	check_eq(strlen(content(0, "log")), 10240);
	check_eq(console.sinks[0].output.dropped, 30000 - 10240);
	console.sinks[0].output.second -= NS_PER_S;
	write_from_guest("a second later");
	check_str(content(0, "log") + 10240, "\n[19760 bytes dropped]\na second later");
	/* At the end it is told, too. */
	console_write(&console, make_text(), 20000);
	console_drain(&console);
	check_contains(content(0, "log"), "\n[9774 bytes dropped]\n");
	check_eq(console_report(&console), 19760 + 9774);
}

/* What the log says of where the terminal is. */
static const char *terminal(void)
{
	static char name[32];
	const char *text = strstr(driver_log_text(), "/dev/pts/");

	cr_assert(text);
	check_eq(sscanf(text, "%31s", name), 1);
	return name;
}

Test(console_sink, terminal_whose_users_come_and_go, .init = setup, .fini = teardown)
{
	BEGIN("pty");
	for (unsigned i = 0; i < 3; i++) {
		int fd = open(terminal(), O_RDWR | O_NOCTTY);
		struct termios t;

		cr_assert(fd >= 0);
		check_eq(tcgetattr(fd, &t), 0);
		check_eq(t.c_lflag & (ECHO | ICANON), 0);
		write_from_guest("hello\n");
		check_str(read_from(fd, 6), "hello\n");
		check_eq(write(fd, "\001x", 2), 2);
		while (!ring_count(&console.input))
			driver_settle(&host);
		check_str(taken(), "\001x");
		close(fd);
		driver_settle(&host);
	}
}

static char last_words[32];

static void *read_late(void *arg)
{
	int fd = open(arg, O_RDWR | O_NOCTTY);

	usleep(100000);
	if (fd < 0 || read(fd, last_words, sizeof(last_words) - 1) < 0)
		*last_words = '\0';
	close(fd);
	return NULL;
}

/* Who is a little behind at the end still gets to read it, since it goes with the terminal. */
Test(console_sink, terminal_is_read_before_the_end, .init = setup, .fini = teardown)
{
	uint64_t began;
	pthread_t reader;

	BEGIN("pty");
	check_eq(pthread_create(&reader, NULL, read_late, (void *)(uintptr_t)terminal()), 0);
	write_from_guest("last words");
	began = clock_now_ns(CLOCK_MONOTONIC);
	console_drain(&console);
	event_loop_fini(&host.loop);
	console_fini(&console);
	cr_assert(clock_now_ns(CLOCK_MONOTONIC) - began < 900000000);
	pthread_join(reader, NULL);
	check_str(last_words, "last words");
}

/* bad input: Console: a pseudo-terminal that nobody opens -> the guest goes on */
Test(console_sink, terminal_that_nobody_opens, .init = setup, .fini = teardown)
{
	BEGIN("pty");
	for (unsigned i = 0; i < 10; i++) {
		console_write(&console, make_text(), CONSOLE_BUFFER_SIZE);
		driver_settle(&host);
	}
	await_stuck(0);
	check_eq(write_from_guest("lost"), UINT32_MAX);
}

Test(console_sink, descriptors, .init = setup, .fini = teardown)
{
	char value[3][16];
	int pipe_fds[2], sockets[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), client;
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };

	check_eq(pipe(pipe_fds), 0);
	check_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	check_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	check_eq(listen(listener, 1), 0);
	snprintf(value[0], sizeof(value[0]), "fd:%d", pipe_fds[1]);
	snprintf(value[1], sizeof(value[1]), "fd:%d", sockets[1]);
	snprintf(value[2], sizeof(value[2]), "fd:%d", listener);
	BEGIN(value[0], value[1], value[2]);
	check_eq(console.sinks[0].in_fd, -1, "a pipe's end for writing says nothing");
	client = connect_to("s");
	write_from_guest("hello");
	check_str(read_from(pipe_fds[0], 5), "hello");
	check_str(read_from(sockets[0], 5), "hello");
	check_str(read_from(client, 5), "hello");
	check_eq(write(sockets[0], "in", 2), 2);
	check_str(taken(), "in");
	check_eq(fcntl(sockets[1], F_GETFD), FD_CLOEXEC);
	/* Who has gone from a descriptor does not come back; the others stay. */
	close(sockets[0]);
	write_from_guest("1");
	write_from_guest("2");
	check_contains(driver_log_text(), "cannot write the guest's output: Broken pipe");
	check_str(read_from(pipe_fds[0], 2), "12");
	disconnect(client);
	unlink("s");
}

Test(console_sink, regular_file_by_descriptor_says_nothing, .init = setup, .fini = teardown)
{
	int fd = open("log", O_RDWR | O_CREAT, 0600);
	char value[16];

	check_eq(write(fd, "what was there\n", 15), 15);
	lseek(fd, 0, SEEK_SET);
	snprintf(value, sizeof(value), "fd:%d", fd);
	BEGIN(value);
	check_str(taken(), "");
	lseek(fd, 0, SEEK_END);
	write_from_guest("hello\n");
	check_str(content(0, "log"), "what was there\nhello\n");
}

/*
 * bad input: Console: a console in a file that cannot be opened, or on a descriptor that cannot be
 * used -> refused; the message of one line names it
 */
Test(console_sink, refusals, .init = setup, .fini = teardown)
{
	static const struct {
		const char *value, *says;
	} cases[] = {
		{ "file=/nonexistent/x",
		  "--serial file=/nonexistent/x: cannot open for writing: No" },
		{ "file=/", "--serial file=/: cannot open for writing: Is a directory" },
		{ "unix:/nonexistent/x", "--serial unix:/nonexistent/x: cannot listen there: No" },
		{ "unix:/dev/null", "--serial unix:/dev/null: a file that is not a socket exists "
				    "there" },
		{ "fd:1000", "--serial fd:1000: is not open" },
		{ "fd:x", "--serial fd:x: must be fd:" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };

		cr_assert(open_all((const char *const[]){ cases[i].value, NULL }, &err) < 0);
		check_contains(err.text, cases[i].says);
		console_fini(&console);
		config_fini(&config);
		check_eq(console_init(&console, &ops, &device, &host.loop, &tail), 0);
	}
}
