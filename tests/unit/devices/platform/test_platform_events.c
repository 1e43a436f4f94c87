// SPDX-License-Identifier: Apache-2.0
/* Pending bits and edges of the platform events. */
#include "devices/platform/platform_events.h"
#include "tests/support/check.h"
#include "tests/support/test_line.h"
#include "vmm/base/layout.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct platform_events events;
static struct test_line line;

static void setup(void)
{
	test_line_init(&line);
	platform_events_init(&events, &line.line);
}

static uint64_t edges(void)
{
	uint64_t count = 0;

	return read(line.fd, &count, sizeof(count)) < 0 ? 0 : count;
}

Test(platform_events, each_event_is_an_edge_and_a_bit, .init = setup)
{
	check_eq(platform_events_read(&events), 0);
	check_eq(platform_events_raise(&events, LAYOUT_EVENT_POWER_BUTTON), 0);
	check_eq(edges(), 1);
	check_eq(platform_events_raise(&events, LAYOUT_EVENT_SLOTS), 0);
	check_eq(edges(), 1);
	check_eq(platform_events_read(&events), LAYOUT_EVENT_POWER_BUTTON | LAYOUT_EVENT_SLOTS);
}

Test(platform_events, reading_takes_them, .init = setup)
{
	platform_events_raise(&events, LAYOUT_EVENT_SLOTS);
	check_eq(platform_events_read(&events), LAYOUT_EVENT_SLOTS);
	check_eq(platform_events_read(&events), 0);
}

Test(platform_events, lost_interrupt_is_told, .init = setup)
{
	close(line.fd);
	check_eq(platform_events_raise(&events, LAYOUT_EVENT_SLOTS), -EBADF);
}
