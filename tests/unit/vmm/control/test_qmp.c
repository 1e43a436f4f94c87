// SPDX-License-Identifier: Apache-2.0
/* QMP sessions: the protocol to the byte, hostile input, slow and vanishing clients. */
#include "vmm/control/qmp.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/json_stream.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

TestSuite(qmp, .timeout = 60);

#define GREETING                                                                                   \
	"{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},"                   \
	"\"package\":\"" MONITOR_PACKAGE "\"},\"capabilities\":[\"oob\"]}}\r\n"
#define NEGOTIATE "{\"execute\":\"qmp_capabilities\"}\n"
#define DONE "{\"return\":{}}\r\n"
#define ERROR(class, text) "{\"error\":{\"class\":\"" class "\",\"desc\":\"" text "\"}}\r\n"
#define GENERIC(text) ERROR("GenericError", text)
/* What follows is jansson's text, which is another one in another version. */
#define PARSE_ERROR "{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error, "

static struct driver_host host;
static struct fake_vm vm;
static struct control_clients clients;

/* A client that was greeted. */
static int connect_client(void)
{
	int ends[2];

	fake_vm_sockets(ends);
	check_eq(qmp_serve(&vm.monitor, &clients, &host.loop, ends[1], ends[1], true), 0);
	check_str(fake_vm_hear(&host, ends[0]), GREETING);
	return ends[0];
}

static int negotiated_client(void)
{
	int fd = connect_client();

	check_str(fake_vm_ask(&host, fd, NEGOTIATE), DONE);
	return fd;
}

static void setup(void)
{
	driver_host_init(&host);
	fake_vm_init(&vm);
}

/* An event without its time, which is checked to be now. */
static const char *without_time(const char *text)
{
	static char out[1 << 16];
	char *to = out;
	long long seconds;
	int micro, skipped;

	while (*text) {
		if (sscanf(text, "\"timestamp\":{\"seconds\":%lld,\"microseconds\":%d},%n",
			   &seconds, &micro, &skipped) == 2) {
			cr_assert(llabs(seconds - (long long)time(NULL)) < 60);
			cr_assert(micro >= 0 && micro < 1000000);
			text += skipped;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
	return out;
}

Test(qmp, negotiation, .init = setup)
{
	static const char expecting[] = ERROR(
		"CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
	int fd = connect_client();

	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-status\"}\n"), expecting);
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"nosuch\"}\n"), expecting);
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"qmp_capabilities\",\"id\":\"a\"}\n"),
		  "{\"return\":{},\"id\":\"a\"}\r\n");
	check_str(fake_vm_ask(&host, fd, NEGOTIATE),
		  ERROR("CommandNotFound",
			"Capabilities negotiation is already complete, command ignored"));
}

Test(qmp, capabilities, .init = setup)
{
	int fd = connect_client();

	check_str(fake_vm_ask(&host, fd,
			      "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":5}}"),
		  GENERIC("Invalid parameter type for 'enable', expected: array"));
	check_str(fake_vm_ask(
			  &host, fd,
			  "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"x\"]}}"),
		  GENERIC("Parameter 'enable' does not accept value 'x'"));
	check_str(fake_vm_ask(&host, fd,
			      "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"x\":5}}"),
		  GENERIC("Parameter 'x' is unexpected"));
	check_str(fake_vm_ask(&host, fd, "{\"exec-oob\":\"query-status\"}"),
		  GENERIC("QMP input member 'exec-oob' is unexpected"));
	check_str(
		fake_vm_ask(
			&host, fd,
			"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}"),
		DONE);
	check_str(fake_vm_ask(&host, fd, "{\"exec-oob\":\"query-status\",\"id\":4}"),
		  "{\"id\":4,\"error\":{\"class\":\"GenericError\","
		  "\"desc\":\"The command query-status does not support OOB\"}}\r\n");
	check_str(fake_vm_ask(&host, fd, "{\"exec-oob\":\"stop\",\"execute\":\"stop\"}"),
		  GENERIC("QMP input member 'execute' clashes with 'exec-oob'"));
}

/* The reference's example. */
Test(qmp, memory_devices_to_the_byte, .init = setup)
{
	int fd = negotiated_client();

	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-memory-devices\",\"id\":1}\n"),
		  "{\"return\":[{\"type\":\"virtio-pmem\",\"data\":{\"memdev\":\"/objects/mem1\","
		  "\"memaddr\":9663676416,\"size\":67108864,\"id\":\"nv1\"}}],\"id\":1}\r\n");
	vm.devices[0].id = "";
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-memory-devices\"}\n"),
		  "{\"return\":[{\"type\":\"virtio-pmem\",\"data\":{\"memdev\":\"/objects/mem1\","
		  "\"memaddr\":9663676416,\"size\":67108864}}]}\r\n");
	vm.n_devices = 0;
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-memory-devices\",\"id\":[]}\n"),
		  "{\"return\":[],\"id\":[]}\r\n");
}

/* Each with an answer of its own, on one connection, which survives them all. */
/*
 * bad input: Control socket: input that is not JSON, values of wrong types, and unknown commands
 * and arguments -> the same error as QEMU's, and the next command works
 */
Test(qmp, errors, .init = setup)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "{\"execute\":\"nosuch\"}\n",
		  ERROR("CommandNotFound", "The command nosuch has not been found") },
		{ "{\"execute\":\"query-status\\u0000\"}\n",
		  ERROR("CommandNotFound", "The command  has not been found") },
		{ "{\"execute\":\"query-status\",\"arguments\":{\"x\":1}}\n",
		  GENERIC("Parameter 'x' is unexpected") },
		{ "{\"execute\":\"query-status\",\"arguments\":[]}\n",
		  GENERIC("QMP input member 'arguments' must be an object") },
		{ "{\"execute\":\"query-status\",\"id\":{\"a\":[1,2.5,null,\"\u00e9\\u0001\"]},"
		  "\"foo\":1}\n",
		  "{\"id\":{\"a\":[1,2.5,null,\"\\u00E9\\u0001\"]},\"error\":{\"class\":"
		  "\"GenericError\",\"desc\":\"QMP input member 'foo' is unexpected\"}}\r\n" },
		{ "{\"foo\":1,\"id\":3}\n",
		  "{\"id\":3,\"error\":{\"class\":\"GenericError\","
		  "\"desc\":\"QMP input member 'foo' is unexpected\"}}\r\n" },
		{ "{\"execute\":5}\n", GENERIC("QMP input member 'execute' must be a string") },
		{ "{\"arguments\":{}}\n", GENERIC("QMP input lacks member 'execute'") },
		{ "{}", GENERIC("QMP input lacks member 'execute'") },
		{ "[]\n", GENERIC("QMP input must be a JSON object") },
		{ "5\n", GENERIC("QMP input must be a JSON object") },
		{ "\"text\"\n", GENERIC("QMP input must be a JSON object") },
		{ "null\n", GENERIC("QMP input must be a JSON object") },
		{ "garbage\n", PARSE_ERROR },
		{ "{\"execute\":}\n", PARSE_ERROR },
		{ "{\"execute\":\"query-status\",}\n", PARSE_ERROR },
		{ "[1,]\n", PARSE_ERROR },
		{ "]\n", PARSE_ERROR },
		{ "}\n", PARSE_ERROR },
		{ ",\n", PARSE_ERROR },
		{ "{\"a\":[1}\n]}\n", PARSE_ERROR },
		{ "{\"execute\":\"stop\",\"execute\":\"stop\"}\n", PARSE_ERROR },
		{ "{\"execute\" \"x\"}\n", PARSE_ERROR },
		{ "{1:2}\n", PARSE_ERROR },
		{ "{true:2}\n", PARSE_ERROR },
		{ "{id:2}\n", PARSE_ERROR },
		{ "{\"a\":1 \"b\":2}\n", PARSE_ERROR },
		{ "[1 2]\n", PARSE_ERROR },
		{ "{\"id\":tru}\n", PARSE_ERROR },
		{ "{\"id\":01}\n", PARSE_ERROR },
		{ "{\"id\":-}\n", PARSE_ERROR },
		{ "@\n", PARSE_ERROR },
		{ "\377\n", PARSE_ERROR },
		{ "\"unterminated\n", PARSE_ERROR },
		{ "\"\\x\"\n", PARSE_ERROR },
		{ "\"\\ud800\"\n", PARSE_ERROR },
		{ "{\"id\":\"\xc3\x28\"}\n", PARSE_ERROR },
		{ "{\"id\":1e999}\n", PARSE_ERROR },
		{ "{\"id\":99999999999999999999}\n", PARSE_ERROR },
		{ "{\"a\\u0000b\":1}\n", PARSE_ERROR },
	};
	int fd = negotiated_client();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *answer = fake_vm_ask(&host, fd, cases[i].request);

		/* What follows the reported error in the same line may be reported too. */
		cr_assert(strncmp(answer, cases[i].answer, strlen(cases[i].answer)) == 0,
			  "%s: \"%s\" instead of \"%s\"", cases[i].request, answer,
			  cases[i].answer);
		cr_assert(!strstr(answer, "<end>"), "%s", cases[i].request);
		check_str(fake_vm_ask(&host, fd, "\n{\"execute\":\"query-name\"}"), DONE);
	}
}

/* Where one command ends is a matter of brackets, not of lines. */
/*
 * bad input: Control socket: commands that arrive byte by byte, or many at once -> each is
 * answered once
 */
Test(qmp, framing, .init = setup)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "{\"execute\":\"query-name\"}", DONE },
		{ "{\"execute\":\n\r\t \"query-name\"\n}\r\n", DONE },
		{ "{'execute':'query-name'}", DONE },
		{ "{'execute':'query-name','id':'a\"b\\'c'}",
		  "{\"return\":{},\"id\":\"a\\\"b'c\"}\r\n" },
		{ "{\"execute\":\"query-name\",\"id\":\"it\\'s } ] { [ '\"}",
		  "{\"return\":{},\"id\":\"it's } ] { [ '\"}\r\n" },
		{ "{\"execute\":\"query-name\",\"id\":1}{\"execute\":\"query-name\",\"id\":2} "
		  "{\"execute\":\"query-name\",\"id\":3}",
		  "{\"return\":{},\"id\":1}\r\n{\"return\":{},\"id\":2}\r\n"
		  "{\"return\":{},\"id\":3}\r\n" },
		{ "{\"execute\":\"query-name\",\"id\":\"\\ud83d\\ude00 \\u0000 \\\\\"}",
		  "{\"return\":{},\"id\":\"\\uD83D\\uDE00 \\u0000 \\\\\"}\r\n" },
		{ "\r\n\n  \t", "" },
	};
	int fd = negotiated_client();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_str(fake_vm_ask(&host, fd, cases[i].request), cases[i].answer);
		/* The same, a byte at a time. */
		for (const char *s = cases[i].request; *s; s++) {
			check_eq(write(fd, s, 1), 1);
			driver_settle(&host);
		}
		check_str(fake_vm_hear(&host, fd), cases[i].answer);
	}
}

static void say_much(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
		driver_settle(&host);
	}
}

/* 256 KiB of one value is the end of it, however much follows. */
/*
 * bad input: Control socket: a string that does not end -> refused after 256 KiB, and this client
 * is disconnected
 */
Test(qmp, endless_string, .init = setup)
{
	static char text[4 << 20];
	int fd = negotiated_client(), other = negotiated_client();

	memset(text, 'a', sizeof(text));
	text[0] = '"';
	say_much(fd, text, sizeof(text));
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd), GENERIC("JSON token size limit exceeded") "<end>");
	check_str(fake_vm_ask(&host, other, "{\"execute\":\"query-name\"}"), DONE);
	check_eq(clients.count, 1);
}

/*
 * bad input: Control socket: a list that does not end -> refused after 256 KiB, and this client is
 * disconnected
 */
Test(qmp, endless_list, .init = setup)
{
	static char text[4 << 20];
	int fd = negotiated_client();

	memset(text, ' ', sizeof(text));
	text[0] = '[';
	say_much(fd, text, sizeof(text));
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd), GENERIC("JSON token count limit exceeded") "<end>");
	check_eq(clients.count, 0);
}

/*
 * bad input: Control socket: a request of more than 10,000 tokens -> refused, and this client is
 * disconnected
 */
Test(qmp, too_many_tokens, .init = setup)
{
	static char text[3 * JSON_STREAM_MAX_TOKENS];
	int fd = negotiated_client(), other = negotiated_client();

	for (unsigned i = 0; i < JSON_STREAM_MAX_TOKENS; i++)
		memcpy(text + 3 * i, "{},", 3);
	text[0] = '[';
	text[1] = '1';
	say_much(fd, text, sizeof(text));
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd),
		  GENERIC("JSON token count limit exceeded: a request can have 10000") "<end>");
	check_str(fake_vm_ask(&host, other, "{\"execute\":\"query-name\"}"), DONE);
}

/* Sends a request whose id is @n copies of @item in a list. */
static void say_id(int fd, const char *item, unsigned n)
{
	static char text[JSON_STREAM_MAX_SIZE];
	size_t len = (size_t)sprintf(text, "{\"execute\":\"query-name\",\"id\":[");

	for (unsigned i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s%s", i ? "," : "", item);
	len += (size_t)sprintf(text + len, "]}");
	say_much(fd, text, len);
}

/*
 * bad input: Control socket: a request whose id takes more than 64 KiB in the answer -> refused,
 * and the next command works
 */
Test(qmp, long_id, .init = setup)
{
	int fd = negotiated_client();
	const char *answer;

	/* Text that grows: 4 bytes become 13, and 2 become 6. */
	say_id(fd, "1e9", 4900);
	driver_await(&host, fd, POLLIN);
	answer = fake_vm_hear(&host, fd);
	check_contains(answer, "{\"return\":{},\"id\":[1000000000.0,");
	check_eq(strlen(answer), strlen("{\"return\":{},\"id\":[]}\r\n") + 4900 * 13 - 1);
	say_id(fd, "\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"", 4900);
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd),
		  GENERIC("QMP input member 'id' is longer than 65536 bytes as the answer has it"));
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-name\"}"), DONE);
}

/* Nearly as much is a value as any other. */
Test(qmp, long_request, .init = setup)
{
	static char text[JSON_STREAM_MAX_SIZE - 1000];
	static const char start[] = "{\"execute\":\"query-name\",\"arguments\":{\"x\":\"";
	int fd = negotiated_client();

	memset(text, 'a', sizeof(text));
	memcpy(text, start, sizeof(start) - 1);
	memcpy(text + sizeof(text) - 3, "\"}}", 3);
	say_much(fd, text, sizeof(text));
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd), GENERIC("Parameter 'x' is unexpected"));
}

/*
 * bad input: Control socket: a request that is nested deeper than 1,024 levels -> refused, and the
 * next command works
 */
Test(qmp, deep_nesting, .init = setup)
{
	static char text[JSON_STREAM_MAX_NESTING + 3];
	int fd = negotiated_client();

	memset(text, '[', JSON_STREAM_MAX_NESTING + 1);
	check_str(fake_vm_ask(&host, fd, text), GENERIC("JSON nesting depth limit exceeded"));
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-name\"}"), DONE);
	/* One less is fine, up to its being no object. */
	memset(text, '[', JSON_STREAM_MAX_NESTING);
	text[JSON_STREAM_MAX_NESTING] = '\0';
	check_str(fake_vm_ask(&host, fd, text), "");
	memset(text, ']', JSON_STREAM_MAX_NESTING);
	check_str(fake_vm_ask(&host, fd, text), GENERIC("QMP input must be a JSON object"));
}

Test(qmp, events_before_the_return, .init = setup)
{
	int fd = negotiated_client(), silent = connect_client();

	check_str(without_time(fake_vm_ask(&host, fd, "{\"execute\":\"stop\",\"id\":1}")),
		  "{\"event\":\"STOP\"}\r\n{\"return\":{},\"id\":1}\r\n");
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"stop\"}"), DONE);
	check_str(without_time(fake_vm_ask(&host, fd, "{\"execute\":\"cont\"}")),
		  "{\"event\":\"RESUME\"}\r\n" DONE);
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"cont\"}"), DONE);
	check_str(without_time(fake_vm_ask(&host, fd, "{\"execute\":\"system_powerdown\"}")),
		  "{\"event\":\"POWERDOWN\"}\r\n" DONE);
	check_str(without_time(fake_vm_ask(&host, fd, "{\"execute\":\"system_reset\"}")),
		  "{\"event\":\"RESET\",\"data\":{\"guest\":false,"
		  "\"reason\":\"host-qmp-system-reset\"}}\r\n" DONE);
	check_str(without_time(fake_vm_ask(&host, fd, "{\"execute\":\"quit\",\"id\":\"bye\"}")),
		  "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,"
		  "\"reason\":\"host-qmp-quit\"}}\r\n{\"return\":{},\"id\":\"bye\"}\r\n");
	check_eq(vm.pauses + vm.resumes + vm.powerdowns + vm.resets + vm.quits, 5);
	check_str(fake_vm_hear(&host, silent), "");
}

Test(qmp, events_of_the_guest, .init = setup)
{
	static const struct {
		enum monitor_cause cause;
		const char *data;
	} causes[] = {
		{ MONITOR_HOST_ERROR, "{\"guest\":false,\"reason\":\"host-error\"}" },
		{ MONITOR_HOST_SIGNAL, "{\"guest\":false,\"reason\":\"host-signal\"}" },
		{ MONITOR_HOST_UI, "{\"guest\":false,\"reason\":\"host-ui\"}" },
		{ MONITOR_GUEST_SHUTDOWN, "{\"guest\":true,\"reason\":\"guest-shutdown\"}" },
		{ MONITOR_GUEST_RESET, "{\"guest\":true,\"reason\":\"guest-reset\"}" },
		{ MONITOR_GUEST_PANIC, "{\"guest\":true,\"reason\":\"guest-panic\"}" },
	};
	int fd = negotiated_client();
	char expected[256];

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		monitor_was_reset(&vm.monitor, causes[i].cause);
		snprintf(expected, sizeof(expected), "{\"event\":\"RESET\",\"data\":%s}\r\n",
			 causes[i].data);
		check_str(without_time(fake_vm_hear(&host, fd)), expected);
	}
	monitor_guest_panicked(&vm.monitor, "pause");
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"GUEST_PANICKED\",\"data\":{\"action\":\"pause\"}}\r\n");
	monitor_guest_ready(&vm.monitor);
	check_str(without_time(fake_vm_hear(&host, fd)), "{\"event\":\"GUEST_READY\"}\r\n");
	monitor_watchdog(&vm.monitor, "reset");
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"WATCHDOG\",\"data\":{\"action\":\"reset\"}}\r\n");
	monitor_flush_failed(&vm.monitor, "nv1", EIO);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"PMEM_FLUSH_ERROR\",\"data\":{\"id\":\"nv1\",\"errno\":5,"
		  "\"error\":\"Input/output error\"}}\r\n");
	monitor_io_error(&vm.monitor, &(struct monitor_io_error){ .id = "nv1",
								  .file = "disk.img",
								  .offset = 0x12345000,
								  .has_offset = true,
								  .nospace = true,
								  .reason = "why" });
	check_str(
		without_time(fake_vm_hear(&host, fd)),
		"{\"event\":\"PMEM_IO_ERROR\",\"data\":{\"action\":\"stop\",\"nospace\":true,"
		"\"reason\":\"why\",\"id\":\"nv1\",\"file\":\"disk.img\",\"offset\":305418240}}\r\n");
	monitor_io_error(&vm.monitor, &(struct monitor_io_error){ .reason = "why" });
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"PMEM_IO_ERROR\",\"data\":{\"action\":\"stop\",\"nospace\":false,"
		  "\"reason\":\"why\"}}\r\n");
	/* The first reason to end is the one. */
	monitor_shutdown(&vm.monitor, MONITOR_GUEST_SHUTDOWN);
	monitor_shutdown(&vm.monitor, MONITOR_HOST_ERROR);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,"
		  "\"reason\":\"guest-shutdown\"}}\r\n");
}

/* A guest can make flushes fail as fast as it likes. */
Test(qmp, flush_errors_are_limited, .init = setup)
{
	int fd = negotiated_client();
	const char *text;
	unsigned heard = 0;

	for (unsigned i = 0; i < 100000; i++)
		monitor_flush_failed(&vm.monitor, "nv1", EIO);
	text = fake_vm_hear(&host, fd);
	while ((text = strstr(text, "PMEM_FLUSH_ERROR"))) {
		heard++;
		text++;
	}
	cr_assert(heard >= 10 && heard <= 20, "%u", heard);
	/* A second later they are heard again. */
	vm.monitor.flush_errors_since_ns -= 2000000000;
	monitor_flush_failed(&vm.monitor, "nv1", EIO);
	check_contains(fake_vm_hear(&host, fd), "PMEM_FLUSH_ERROR");
}

/* Vcpus take a while to stop: who asked waits, who did not is served. */
Test(qmp, stop_waits_for_the_vm, .init = setup)
{
	int fd = negotiated_client(), other = negotiated_client();

	vm.slow_stop = true;
	check_str(
		fake_vm_ask(&host, fd,
			    "{\"execute\":\"stop\",\"id\":1}{\"execute\":\"query-name\",\"id\":2}"),
		"");
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-name\",\"id\":3}"), "");
	check_str(fake_vm_ask(&host, other, "{\"execute\":\"query-name\"}"), DONE);
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"STOP\"}\r\n{\"return\":{},\"id\":1}\r\n"
		  "{\"return\":{},\"id\":2}\r\n{\"return\":{},\"id\":3}\r\n");
	check_str(without_time(fake_vm_hear(&host, other)), "{\"event\":\"STOP\"}\r\n");
}

/* The guest may end before it has stopped. Its vCPUs run until monitor_stopped all the same. */
Test(qmp, vm_ends_while_it_stops, .init = setup)
{
	int fd = negotiated_client();

	vm.slow_stop = true;
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"stop\",\"id\":1}"), "");
	monitor_shutdown(&vm.monitor, MONITOR_HOST_QUIT);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,"
		  "\"reason\":\"host-qmp-quit\"}}\r\n");
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"STOP\"}\r\n{\"return\":{},\"id\":1}\r\n");
	check_str(fake_vm_ask(&host, fd, "{\"execute\":\"query-name\"}"), DONE);
}

/*
 * bad input: Control socket: clients that wait for the answer to stop, each with an id of 64 KiB
 * -> the ids count towards the memory that all clients share; the client that exceeds it is told
 * and disconnected
 */
Test(qmp, waiting_answers_have_a_limit, .init = setup)
{
	static const char head[] = "{\"execute\":\"stop\",\"id\":\"";
	static char request[61000];
	int fd = negotiated_client();

	memset(request, 'i', sizeof(request) - 1);
	memcpy(request, head, sizeof(head) - 1);
	memcpy(request + sizeof(request) - 3, "\"}", 2);
	vm.slow_stop = true;
	clients.budget.limit = 200000;
	fake_vm_say(fd, request);
	while (!vm.pauses)
		driver_settle(&host);
	cr_assert(clients.budget.spent >= 2u * 61000, "spent %zu", clients.budget.spent);
	close(fd);
	fake_vm_stopped(&vm);
	driver_settle(&host);
	driver_settle(&host);
	check_eq(clients.count, 0);
	check_eq(clients.budget.spent, 0);
	clients.budget.limit = 100000;
	vm.state = MONITOR_RUNNING;
	fd = negotiated_client();
	fake_vm_say(fd, request);
	while (vm.pauses < 2)
		driver_settle(&host);
	check_contains(fake_vm_hear(&host, fd),
		       "all clients together use as much memory as they can have\"}}\r\n<end>");
	check_eq(clients.count, 0);
	check_eq(clients.budget.spent, 0);
}

static const char *human_monitor(int fd, const char *arguments)
{
	char request[256];

	snprintf(request, sizeof(request),
		 "{\"execute\":\"human-monitor-command\",\"arguments\":{%s}}", arguments);
	return fake_vm_ask(&host, fd, request);
}

Test(qmp, human_monitor, .init = setup)
{
	int fd = negotiated_client();

	check_str(human_monitor(fd, "\"command-line\":\"\",\"cpu-index\":2"),
		  GENERIC("Parameter 'cpu-index' expects a CPU number"));
	check_str(human_monitor(fd, "\"command-line\":\"\",\"cpu-index\":-1"),
		  GENERIC("Parameter 'cpu-index' expects a CPU number"));
	check_str(human_monitor(fd, ""), GENERIC("Parameter 'command-line' is missing"));
	check_str(human_monitor(fd, "\"command-line\":\"info status\",\"cpu-index\":1"),
		  "{\"return\":\"VM status: running\\r\\n\"}\r\n");
	check_str(human_monitor(fd, "\"command-line\":\"\""), "{\"return\":\"\"}\r\n");
	check_str(human_monitor(fd, "\"command-line\":\"foo\""),
		  "{\"return\":\"unknown command: 'foo'\\r\\n\"}\r\n");
	check_str(human_monitor(fd, "\"command-line\":\"info memory-devices\""),
		  "{\"return\":\"Memory device [virtio-pmem]: \\\"nv1\\\"\\r\\n"
		  "  memaddr: 0x240000000\\r\\n  size: 67108864\\r\\n"
		  "  memdev: /objects/mem1\\r\\n\"}\r\n");
}

Test(qmp, stop_by_the_human_monitor_waits, .init = setup)
{
	int fd = negotiated_client();

	vm.slow_stop = true;
	check_str(fake_vm_ask(&host, fd,
			      "{\"execute\":\"human-monitor-command\","
			      "\"arguments\":{\"command-line\":\"stop\"},\"id\":1}"),
		  "");
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"STOP\"}\r\n{\"return\":\"\",\"id\":1}\r\n");
}

#define SAVED                                                                                      \
	"{\"event\":\"VM_SAVED\",\"data\":{\"path\":\"warm\",\"bytes\":123456,\"pause\":789}}\r\n"

Test(qmp, save_is_answered_when_it_is_done, .init = setup)
{
	int fd = negotiated_client(), other = negotiated_client();

	vm.slow_save = true;
	check_str(fake_vm_ask(&host, fd,
			      "{\"execute\":\"vm-save\",\"arguments\":{\"path\":\"warm\"},"
			      "\"id\":1}{\"execute\":\"query-name\",\"id\":2}"),
		  "");
	check_str(vm.save_path, "warm");
	check_str(fake_vm_ask(&host, other,
			      "{\"execute\":\"vm-save\",\"arguments\":{\"path\":\"b\"}}"),
		  GENERIC("vm-save: another vm-save is under way; try again when it has been "
			  "answered"));
	monitor_stopped(&vm.monitor);
	check_str(without_time(fake_vm_hear(&host, fd)), "{\"event\":\"STOP\"}\r\n");
	fake_vm_saved(&vm, NULL);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  SAVED "{\"return\":{},\"id\":1}\r\n{\"return\":{},\"id\":2}\r\n");
	check_str(without_time(fake_vm_hear(&host, other)), "{\"event\":\"STOP\"}\r\n" SAVED);
	vm.slow_save = false;
	check_str(without_time(fake_vm_ask(
			  &host, other,
			  "{\"execute\":\"vm-save\",\"arguments\":{\"path\":\"warm\"}}")),
		  SAVED DONE);
	check_eq(vm.saves, 2);
}

Test(qmp, save_that_fails, .init = setup)
{
	static const char save[] = "{\"execute\":\"vm-save\",\"arguments\":{\"path\":\"warm\"},"
				   "\"id\":\"x\"}";
	int fd = negotiated_client(), other = negotiated_client();

	vm.slow_save = true;
	check_str(fake_vm_ask(&host, fd, save), "");
	fake_vm_saved(&vm, "warm: no space");
	check_str(fake_vm_hear(&host, fd), "{\"id\":\"x\",\"error\":{\"class\":\"GenericError\","
					   "\"desc\":\"warm: no space\"}}\r\n");
	check_str(fake_vm_hear(&host, other), "");
	fake_vm_refuse(&vm, EINVAL, "not now");
	check_str(fake_vm_ask(&host, other, save),
		  "{\"id\":\"x\",\"error\":{\"class\":\"GenericError\",\"desc\":\"not now\"}}\r\n");
	vm.refusal_code = 0;
	vm.state = MONITOR_SHUTDOWN;
	check_contains(fake_vm_ask(&host, other, save), "vm-save: the VM has ended");
}

Test(qmp, reset_in_place_is_answered_when_it_is_done, .init = setup)
{
	static const char reset[] = "{\"execute\":\"vm-reset\",\"id\":7}";
	int fd = negotiated_client(), other = negotiated_client();

	vm.slow_save = true;
	check_str(fake_vm_ask(&host, fd, reset), "");
	check_str(fake_vm_ask(&host, other,
			      "{\"execute\":\"vm-save\",\"arguments\":{\"path\":\"b\"}}"),
		  GENERIC("vm-save: vm-reset is under way; try again when it has been answered"));
	fake_vm_was_put_back(&vm, NULL);
	check_str(
		without_time(fake_vm_hear(&host, fd)),
		"{\"event\":\"VM_RESET\",\"data\":{\"pause\":45}}\r\n{\"return\":{},\"id\":7}\r\n");
	check_str(without_time(fake_vm_hear(&host, other)),
		  "{\"event\":\"VM_RESET\",\"data\":{\"pause\":45}}\r\n");
	check_str(fake_vm_ask(&host, fd, reset), "");
	fake_vm_was_put_back(&vm, "why");
	check_str(fake_vm_hear(&host, fd),
		  "{\"id\":7,\"error\":{\"class\":\"GenericError\",\"desc\":\"why\"}}\r\n");
	check_str(fake_vm_hear(&host, other), "");
}

/* HMP's errors are text, also when they come late. Who leaves meanwhile is not missed. */
Test(qmp, save_by_the_human_monitor, .init = setup)
{
	static const char save[] = "{\"execute\":\"human-monitor-command\","
				   "\"arguments\":{\"command-line\":\"save warm\"},\"id\":1}";
	int fd = negotiated_client(), leaver = negotiated_client();

	vm.slow_save = true;
	check_str(fake_vm_ask(&host, fd, save), "");
	fake_vm_saved(&vm, "warm: no space");
	check_str(fake_vm_hear(&host, fd),
		  "{\"return\":\"Error: warm: no space\\r\\n\",\"id\":1}\r\n");
	check_str(fake_vm_ask(&host, leaver, save), "");
	close(leaver);
	driver_settle(&host);
	fake_vm_saved(&vm, NULL);
	check_str(without_time(fake_vm_hear(&host, fd)), SAVED);
}

/* As `printf ... | nc -N` does: the end of the input is no reason not to answer. */
/*
 * bad input: Control socket: a client that closes its side of the connection in the middle of a
 * command -> the commands that were complete are answered
 */
Test(qmp, client_that_only_sends, .init = setup)
{
	int fd = negotiated_client();

	vm.slow_stop = true;
	fake_vm_say(fd, "{\"execute\":\"query-name\",\"id\":1}{\"execute\":\"stop\"}"
			"{\"execute\":\"query-name\",\"id\":2}{\"half");
	shutdown(fd, SHUT_WR);
	check_str(fake_vm_hear(&host, fd), "{\"return\":{},\"id\":1}\r\n");
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"STOP\"}\r\n{\"return\":{}}\r\n{\"return\":{},\"id\":2}\r\n<end>");
	check_eq(clients.count, 0);
	check_eq(vm.monitor.listeners, NULL);
}

/* Nothing is left to read or to write, but an answer is to come. */
Test(qmp, client_that_only_waits, .init = setup)
{
	int fd = negotiated_client();

	vm.slow_stop = true;
	fake_vm_say(fd, "{\"execute\":\"stop\"}");
	shutdown(fd, SHUT_WR);
	check_str(fake_vm_hear(&host, fd), "");
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, fd)),
		  "{\"event\":\"STOP\"}\r\n{\"return\":{}}\r\n<end>");
}

/* Whoever goes, the others still hear. */
Test(qmp, clients_go_in_any_order, .init = setup)
{
	int fds[4];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = negotiated_client();
	close(fds[1]);
	check_str(fake_vm_hear(&host, fds[0]), "");
	close(fds[0]);
	check_str(fake_vm_hear(&host, fds[2]), "");
	check_eq(clients.count, 2);
	fake_vm_stopped(&vm);
	check_contains(fake_vm_hear(&host, fds[2]), "STOP");
	check_contains(fake_vm_hear(&host, fds[3]), "STOP");
	check_eq(vm.monitor.listeners->next->next, NULL);
	check_eq(clients.first->next->next, NULL);
	close(fds[3]);
	check_str(fake_vm_hear(&host, fds[2]), "");
	check_contains(fake_vm_ask(&host, fds[2], "{\"execute\":\"cont\"}"), "RESUME");
}

/*
 * bad input: Control socket: a client that dies in the middle of a command, or while its command
 * runs -> the other clients get all of their answers and events
 */
Test(qmp, client_that_vanishes, .init = setup)
{
	static const char *const last_words[] = {
		"",
		"{\"execute\":\"query-st",
		"{\"execute\":\"query-name\"}",
		"{\"execute\":\"stop\"}",
		"{\"execute\":\"stop\"}{\"execute\":\"query-name\"}",
		"\"",
	};
	int survivor = negotiated_client();

	vm.slow_stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(last_words); i++) {
		int fd = negotiated_client();

		if (*last_words[i])
			fake_vm_say(fd, last_words[i]);
		close(fd);
		driver_settle(&host);
		driver_settle(&host);
	}
	fake_vm_stopped(&vm);
	check_str(without_time(fake_vm_hear(&host, survivor)), "{\"event\":\"STOP\"}\r\n");
	check_eq(clients.count, 1);
	check_eq(vm.monitor.listeners->next, NULL);
}

/* Answers wait for their reader; so do the commands behind them, in the kernel. */
/*
 * bad input: Control socket: a client that sends 2,000 commands before it reads -> mvmm uses
 * bounded memory, and every answer comes
 */
Test(qmp, client_that_reads_late, .init = setup)
{
	static const char request[] = "{\"execute\":\"query-qmp-schema\"}\n";
	int fd = negotiated_client(), other = negotiated_client();
	unsigned sent = 0, lines = 0;
	char bytes[65536];
	size_t most = 0;
	ssize_t n;

	for (unsigned i = 0; i < 2000; i++) {
		if (write(fd, request, sizeof(request) - 1) == sizeof(request) - 1)
			sent++;
		if (i % 100 == 0)
			driver_settle(&host);
		for (struct control_connection *c = clients.first; c; c = c->next)
			most = c->queued.len > most ? c->queued.len : most;
	}
	cr_assert(sent > 200, "%u", sent);
	cr_assert(most < CONTROL_CONNECTION_FULL + 32768, "%zu", most);
	check_str(fake_vm_ask(&host, other, "{\"execute\":\"query-name\"}"), DONE);
	while (lines < sent) {
		driver_await(&host, fd, POLLIN);
		n = read(fd, bytes, sizeof(bytes));
		cr_assert(n > 0);
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
		driver_settle(&host);
	}
	check_eq(clients.count, 2);
}

/*
 * bad input: Control socket: a client that never reads while events come -> it is disconnected
 * with a line in the log, and the others are served
 */
Test(qmp, client_that_never_reads, .init = setup)
{
	int fd = negotiated_client(), other = negotiated_client();

	driver_log_capture();
	for (unsigned i = 0; i < 100000 && clients.count == 2; i++) {
		monitor_stopped(&vm.monitor);
		if (i % 100 == 0)
			fake_vm_hear(&host, other);
	}
	check_eq(clients.count, 1);
	check_contains(driver_log_text(), "does not read");
	check_str(fake_vm_ask(&host, other, "\n"), "");
	check_str(fake_vm_ask(&host, other, "{\"execute\":\"query-name\"}"), DONE);
	close(fd);
}

Test(qmp, two_hundred_clients, .init = setup)
{
	int fds[200];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_client();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fake_vm_say(fds[i], NEGOTIATE "{\"execute\":\"query-name\",\"id\":5}");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		check_str(fake_vm_hear(&host, fds[i]), DONE "{\"return\":{},\"id\":5}\r\n");
	fake_vm_say(fds[7], "{\"execute\":\"stop\"}");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		check_contains(fake_vm_hear(&host, fds[i]), "\"event\":\"STOP\"");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i += 2)
		close(fds[i]);
	driver_settle(&host);
	driver_settle(&host);
	check_eq(clients.count, 100);
	check_str(fake_vm_ask(&host, fds[1], "{\"execute\":\"query-name\"}"), DONE);
}

/* At the end of mvmm: everything is freed, whatever was going on. */
Test(qmp, abandoned, .init = setup)
{
	int fd = negotiated_client();

	connect_client();
	vm.slow_stop = true;
	fake_vm_say(fd, "{\"execute\":\"stop\",\"id\":[1]}{\"half");
	driver_settle(&host);
	event_loop_fini(&host.loop);
	while (clients.first)
		control_connection_abandon(clients.first);
	check_eq(clients.count, 0);
	check_eq(vm.monitor.listeners, NULL);
}
