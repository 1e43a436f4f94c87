// SPDX-License-Identifier: Apache-2.0
/* The fuzzed client; client.h is its manual. */
#include "tests/fuzz/client.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/loop.h"
#include "vmm/base/log.h"

#include <poll.h>

#define OUTPUT_MAX (8U << 20)
/* More than what any input can still need at its end. */
#define ROUNDS_MAX 100000

static struct client client;
static int ends[2] = { -1, -1 };

/* What the session writes, up to all of it. */
static void take_output(void)
{
	const struct loop_op *write = loop_find(LOOP_WRITE);
	unsigned n;

	if (!write)
		return;
	n = client.how & CLIENT_SHORT ? (write->len + 1) / 2 : write->len;
	fuzz_check(write->len && n <= OUTPUT_MAX - client.output_len, "output is bounded");
	memcpy(client.output + client.output_len, write->data, n);
	client.output_len += n;
	loop_finish(LOOP_WRITE, (int)n);
}

/* The turn after the one that asked for it. */
static void stop_slowly(void)
{
	bool asked = client.vm.slow_stop && client.vm.pauses != client.stops;

	if (asked && client.stopping) {
		client.stops = client.vm.pauses;
		fake_vm_stopped(&client.vm);
	}
	client.stopping = asked && !client.stopping;
}

/* Everything that can go on without further input. */
static void run_loop(void)
{
	while (loop_find(LOOP_TIMER))
		loop_finish(LOOP_TIMER, 0);
	if (!(client.how & CLIENT_NEVER_READS))
		take_output();
	stop_slowly();
}

/* One read of the session's: @len bytes, or its end where that is 0. */
static void send_bytes(const void *bytes, size_t len)
{
	for (unsigned i = 0; !loop_find(LOOP_POLL) && client.clients.count; i++) {
		fuzz_check(i < ROUNDS_MAX || (client.how & CLIENT_NEVER_READS), "no progress");
		if (i > 100 && (client.how & CLIENT_NEVER_READS))
			return;
		run_loop();
	}
	if (!client.clients.count || !loop_find(LOOP_POLL))
		return;
	fuzz_check(send(ends[0], bytes, len, MSG_DONTWAIT) == (ssize_t)len);
	loop_finish(LOOP_POLL, POLLIN);
	run_loop();
}

static void disconnect(void)
{
	bool vanishes = client.how & CLIENT_VANISHES;

	if (vanishes && loop_find(LOOP_WRITE))
		loop_finish(LOOP_WRITE, -EPIPE);
	send_bytes("", 0);
	client.how &= (uint8_t)~CLIENT_NEVER_READS;
	for (unsigned i = 0; client.clients.count; i++) {
		fuzz_check(i < ROUNDS_MAX, "the session does not end");
		if (vanishes && loop_find(LOOP_WRITE))
			loop_finish(LOOP_WRITE, -EPIPE);
		run_loop();
		if (loop_find(LOOP_POLL))
			send_bytes("", 0);
	}
	for (int kind = LOOP_READ; kind <= LOOP_TIMER; kind++)
		fuzz_check(!loop_find((enum loop_kind)kind), "kind %d is left in flight", kind);
}

static void drain(void)
{
	char rest[CONTROL_CONNECTION_INPUT];

	while (recv(ends[1], rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
}

static void start(uint8_t how)
{
	char *output = client.output;

	if (ends[0] < 0) {
		/* Each send is one read, and an empty one the end. */
		fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
		output = malloc(OUTPUT_MAX);
		fuzz_check(output);
		log_set_level(LOG_LEVEL_ERROR);
	}
	drain();
	loop_reset();
	memset(&client, 0, sizeof(client));
	client.output = output;
	client.how = how;
	client.fd = ends[1];
	fake_vm_init(&client.vm);
	client.vm.slow_stop = how & CLIENT_SLOW_STOP;
	if (how & CLIENT_REFUSED)
		fake_vm_refuse(&client.vm, EBUSY, "not now");
}

struct client *client_run(const uint8_t *data, size_t size, int (*serve)(struct client *client))
{
	const uint8_t *end = data + size;

	start(size ? *data++ : 0);
	fuzz_check(serve(&client) == 0);
	while (data < end) {
		const uint8_t *cut = memchr(data, 0xff, (size_t)(end - data));
		size_t len = (size_t)((cut ? cut : end) - data);

		if (len > CONTROL_CONNECTION_INPUT)
			len = CONTROL_CONNECTION_INPUT;
		if (len)
			send_bytes(data, len);
		data += len + (len == 0 || (cut && data + len == cut));
	}
	disconnect();
	return &client;
}
