// SPDX-License-Identifier: Apache-2.0
/* Pending bits and edges of the platform events. */
#include "devices/platform/platform_events.h"
#include "tests/support/state_file.h"
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

static struct state_file file;

static int load(struct platform_events *to)
{
	state_file_load(&file);
	platform_events_load(to, &file.reader);
	return state_file_result(&file);
}

Test(platform_events, pending_ones_are_saved, .init = setup)
{
	struct platform_events loaded;

	platform_events_init(&loaded, &line.line);
	platform_events_raise(&events, LAYOUT_EVENT_POWER_BUTTON);
	platform_events_raise(&events, LAYOUT_EVENT_SLOTS);
	edges();
	state_file_save(&file);
	platform_events_save(&events, &file.writer);
	check_eq(load(&loaded), 0, "%s", file.err.text);
	check_eq(edges(), 0, "not before all is loaded");
	check_eq(platform_events_restored(&loaded), 0);
	check_eq(edges(), 1);
	check_eq(platform_events_read(&loaded), LAYOUT_EVENT_POWER_BUTTON | LAYOUT_EVENT_SLOTS);
	check_eq(platform_events_read(&events), LAYOUT_EVENT_POWER_BUTTON | LAYOUT_EVENT_SLOTS);
	/* None are, either. */
	state_file_save(&file);
	platform_events_save(&events, &file.writer);
	platform_events_raise(&loaded, LAYOUT_EVENT_SLOTS);
	edges();
	check_eq(load(&loaded), 0, "%s", file.err.text);
	check_eq(platform_events_restored(&loaded), 0);
	check_eq(edges(), 0);
	check_eq(platform_events_read(&loaded), 0);
	state_file_fini(&file);
}

/* bad input: Snapshots: a snapshot with platform events that do not exist -> refused */
Test(platform_events, saved_ones_that_nobody_knows, .init = setup)
{
	for (unsigned bit = 2; bit < 32; bit++) {
		state_file_save(&file);
		state_writer_u32(&file.writer, 1u << bit | LAYOUT_EVENT_SLOTS);
		check_eq(load(&events), -ENOTSUP);
		check_eq(platform_events_read(&events), 0);
	}
	check_contains(file.err.text,
		       "has the pending events 0x80000002, and this mvmm knows 0x3;");
	state_file_fini(&file);
}
