// SPDX-License-Identifier: Apache-2.0
/* Log lines, levels and the limit on what a guest can cause. */
#include "vmm/base/log.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

TestSuite(log, .timeout = 10);

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static void log_all(void)
{
	log_error("an %s", "error");
	log_warning("a %s", "warning");
	log_info("some %s", "information");
	log_debug("%d", 4711);
}

Test(log, levels, .init = driver_log_capture)
{
	static const char *const lines[] = {
		"mvmm: an error\n",
		"mvmm: warning: a warning\n",
		"mvmm: some information\n",
		"mvmm: debug: 4711\n",
	};
	char expected[200] = "";

	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		driver_log_capture();
		log_set_level((enum log_level)level);
		log_all();
		strcat(expected, lines[level]);
		check_str(driver_log_text(), expected);
	}
}

/*
 * bad input: Command line: messages about names with newlines and control characters -> each
 * message is one line without these characters
 */
Test(log, one_line, .init = driver_log_capture)
{
	log_error("%s", "a\nb\x1b[31m\tc\x7f \xc3\xa4\n");
	check_str(driver_log_text(), "mvmm: a?b?[31m?c? \xc3\xa4?\n");
}

Test(log, name_is_in_each_line, .init = driver_log_capture)
{
	struct log_limit limit = { 0 };
	char name[LOG_NAME_MAX + 1] = "";

	check_str(log_prefix(), "mvmm: ");
	log_set_name("web 1");
	log_warning("one");
	log_guest(&limit, "two");
	log_error_in_signal("th\x1bree %s");
	check_str(driver_log_text(), "mvmm: web 1: warning: one\nmvmm: web 1: warning: two\n"
				     "mvmm: web 1: th?ree %s\n");
	memset(name, 'n', LOG_NAME_MAX);
	log_set_name(name);
	check_eq(strlen(log_prefix()), strlen("mvmm: : ") + LOG_NAME_MAX);
}

Test(log, json, .init = driver_log_capture)
{
	struct log_limit limit = { 0 };
	const char *text;

	log_set_format(LOG_FORMAT_JSON);
	log_error("an %s", "error\n");
	log_guest(&limit, "a \"warning\"");
	log_debug("not shown");
	log_always("shown");
	log_set_name("web");
	log_error_in_signal("%s");
	text = driver_log_text();
	check_eq(count_lines(text), 4);
	check_eq(strncmp(text, "{\"time\":\"2", 10), 0);
	check_contains(text, "Z\",\"level\":\"error\",\"message\":\"an error?\"}\n");
	check_contains(text, ",\"level\":\"warning\",\"message\":\"a \\\"warning\\\"\"}\n");
	check_contains(text, ",\"level\":\"info\",\"message\":\"shown\"}\n");
	check_contains(text, ",\"level\":\"error\",\"name\":\"web\",\"message\":\"%s\"}\n");
}

Test(log, default_level_is_warning)
{
	int fds[2];
	char text[200] = "";

	check_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	log_all();
	check_eq(read(fds[0], text, sizeof(text) - 1) > 0, true);
	check_str(text, "mvmm: an error\nmvmm: warning: a warning\n");
}

Test(log, a_line_is_one_write, .init = driver_log_capture)
{
	int fds[2];
	char text[200] = "";

	/* A pipe of packets: each read gives what one write gave. */
	check_eq(pipe2(fds, O_DIRECT), 0);
	dup2(fds[1], STDERR_FILENO);
	log_error("one %s", "two");
	check_eq(read(fds[0], text, sizeof(text) - 1), 14);
	check_str(text, "mvmm: one two\n");
}

Test(log, long_line_is_cut_and_still_a_line, .init = driver_log_capture)
{
	static const unsigned lengths[] = { 1000, 1015, 1016, 1017, 1018, 1019, 1020, 1024, 5000 };
	static char text[6000];

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const char *logged;
		size_t len;

		memset(text, 'a', lengths[i]);
		text[lengths[i]] = '\0';
		driver_log_capture();
		log_error("%s", text);
		logged = driver_log_text();
		len = strlen(logged);
		check_eq(count_lines(logged), 1);
		check_eq(logged[len - 1], '\n');
		check_eq(logged[len - 2], 'a');
		check_eq(len, lengths[i] + 7 < 1023 ? lengths[i] + 7 : 1023);
	}
}

Test(log, guest_lines_are_limited, .init = driver_log_capture)
{
	struct log_limit limit = { 0 }, other = { 0 };

	for (unsigned n = 0; n < 1000; n++)
		log_guest(&limit, "number %u", n);
	check_eq(count_lines(driver_log_text()), 10);
	check_contains(driver_log_text(), "mvmm: warning: number 9\n");
	check_eq(limit.suppressed, 990);
	/* Each source has its own limit. */
	log_guest(&other, "another device");
	check_contains(driver_log_text(), "another device");
}

Test(log, next_line_tells_what_was_left_out, .init = driver_log_capture)
{
	struct log_limit limit = { 0 };

	for (unsigned n = 0; n < 15; n++)
		log_guest(&limit, "number %u", n);
	/* Now, rather than waiting for it. */
	limit.next_ns = 0;
	log_guest(&limit, "number 15");
	check_contains(driver_log_text(), "number 15 (5 lines like this one were suppressed)\n");
	/* Told once. */
	limit.next_ns = 0;
	log_guest(&limit, "number 16");
	check_contains(driver_log_text(), "number 16\n");
	log_report_suppressed();
	check_eq(count_lines(driver_log_text()), 12);
}

/*
 * bad input: Host resources: a guest that makes errors on many devices for hours -> at most 10 KiB
 * of messages in an hour, apart from faults of the host; at the end a message says how many were
 * suppressed
 */
Test(log, guests_share_a_budget, .init = driver_log_capture)
{
	struct log_limit limits[100] = { 0 }, host = { 0 };
	char text[400];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 0; i < 100; i++)
		log_guest(&limits[i], "%s", text);
	cr_assert(strlen(driver_log_text()) <= LOG_BUDGET_BYTES_AN_HOUR / 2, "%zu bytes",
		  strlen(driver_log_text()));
	check_eq(count_lines(driver_log_text()), 12);
	check_eq(limits[99].suppressed, 1);
	log_host_fault(&host, "%s: the disk is broken", text);
	check_contains(driver_log_text(), ": the disk is broken\n");
	log_report_suppressed();
	check_contains(driver_log_text(), "mvmm: warning: 88 more messages about the guest");
	/* Told once. */
	log_report_suppressed();
	check_eq(count_lines(driver_log_text()), 14);
}

/* A line that is not wanted spends nothing. */
Test(log, level_comes_before_the_limit, .init = driver_log_capture)
{
	struct log_limit limit = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	for (unsigned n = 0; n < 1000; n++)
		log_guest(&limit, "number %u", n);
	log_set_level(LOG_LEVEL_WARNING);
	log_guest(&limit, "the first");
	check_str(driver_log_text(), "mvmm: warning: the first\n");
}

static uint64_t ms_of_a_line(void)
{
	uint64_t before = clock_now_ns(CLOCK_MONOTONIC);

	log_error("a line");
	return (clock_now_ns(CLOCK_MONOTONIC) - before) / NS_PER_MS;
}

/*
 * bad input: Host resources: nobody reads standard error any more -> the first message waits for a
 * quarter of a second, the next ones do not wait; they are lost until somebody reads
 */
Test(log, reader_that_stands_still)
{
	char page[4096] = "", text[sizeof(page) + 100] = "";
	int fds[2];

	check_eq(pipe(fds), 0);
	check_eq(fcntl(fds[1], F_SETPIPE_SZ, sizeof(page)), (int)sizeof(page));
	dup2(fds[1], STDERR_FILENO);
	check_eq(write(fds[1], page, sizeof(page)), (ssize_t)sizeof(page));
	cr_assert(ms_of_a_line() >= LOG_PATIENCE_MS);
	for (unsigned i = 0; i < 10; i++)
		cr_assert(ms_of_a_line() < LOG_PATIENCE_MS);
	check_eq(read(fds[0], page, sizeof(page)), (ssize_t)sizeof(page));
	log_error("heard");
	check_eq(read(fds[0], text, sizeof(text) - 1), 12);
	check_str(text, "mvmm: heard\n");
}

/* Standard error may be closed, full or a broken pipe: mvmm goes on. */
Test(log, nobody_listens)
{
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	close(STDERR_FILENO);
	log_error("closed");
	check_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[0]);
	log_error("broken");
	dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
	log_error("full");
}
