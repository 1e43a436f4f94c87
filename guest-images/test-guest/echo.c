// SPDX-License-Identifier: Apache-2.0
/* The test "echo": input from the serial port. */
#include "checks.h"

#include "args.h"
#include "interrupts.h"
#include "machine.h"
#include "serial.h"

#include <stddef.h>

static volatile uint32_t received;

static void receive(void *arg, uint64_t tsc)
{
	received++;
}

/* Reads a line, by interrupts or with poll=1 by polling, and says it. */
static const char *echo(void)
{
	static char line[256];
	bool poll = args_number("poll", 0);
	unsigned len = 0;

	if (!poll)
		interrupts_route(machine.serial_pin, machine.apic_ids[0], receive, NULL);
	serial_receive_interrupt(!poll);
	print("test-guest: echo waits\n");
	while (len + 1 < sizeof(line)) {
		uint32_t seen = received;
		char c;

		if (serial_get(&c)) {
			if (c == '\n' || c == '\r')
				break;
			line[len++] = c;
		} else if (!poll && !interrupts_wait(&received, seen)) {
			return "no interrupt from the serial port";
		}
	}
	line[len] = '\0';
	serial_receive_interrupt(false);
	print("test-guest: echo %s\n", line);
	return NULL;
}

const struct check echo_checks[] = {
	{ "echo", .once = echo },
	{ 0 },
};
