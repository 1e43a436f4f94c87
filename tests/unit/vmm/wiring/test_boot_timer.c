// SPDX-License-Identifier: Apache-2.0
/* Marks of a start, and the table that shows them. */
#include "vmm/wiring/boot_timer.h"

#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/state_file.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <stdio.h>

TestSuite(boot_timer, .timeout = 10);

static struct boot_timer timer;

static void setup(void)
{
	boot_timer_init(&timer);
}

Test(boot_timer, begins_at_main, .init = setup)
{
	cr_assert(timer.ns[BOOT_MARK_MAIN] > 0);
	cr_assert(timer.ns[BOOT_MARK_EXEC] > 0);
	cr_assert(timer.ns[BOOT_MARK_EXEC] < timer.ns[BOOT_MARK_MAIN]);
	for (int mark = BOOT_MARK_PLANNED; mark < BOOT_MARKS; mark++)
		check_eq(timer.ns[mark], 0);
	check_eq(timer.port.start, LAYOUT_BOOT_TIMER_PORT);
	check_eq(timer.port.size, 1);
}

Test(boot_timer, first_mark_counts, .init = setup)
{
	uint64_t first;

	boot_timer_mark(&timer, BOOT_MARK_LOADED);
	first = timer.ns[BOOT_MARK_LOADED];
	cr_assert(first >= timer.ns[BOOT_MARK_MAIN]);
	boot_timer_mark(&timer, BOOT_MARK_LOADED);
	check_eq(timer.ns[BOOT_MARK_LOADED], first);
}

Test(boot_timer, guest_marks_through_its_port, .init = setup)
{
	struct bus bus = { 0 };

	check_eq(bus_add(&bus, &timer.port), 0);
	for (unsigned value = 3; value < 256; value++)
		bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, value);
	bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, 0);
	check_eq(timer.ns[BOOT_MARK_GUEST], 0);
	bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, 1);
	cr_assert(timer.ns[BOOT_MARK_GUEST] > 0);
	check_eq(timer.ns[BOOT_MARK_USER_SPACE], 0);
	bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, 2);
	cr_assert(timer.ns[BOOT_MARK_USER_SPACE] >= timer.ns[BOOT_MARK_GUEST]);
	check_eq(bus_read(&bus, LAYOUT_BOOT_TIMER_PORT, 1) & 0xff, 0xff);
	check_eq(timer.ns[BOOT_MARK_END], 0);
}

Test(boot_timer, guest_marks_through_its_register, .init = setup)
{
	struct bus bus = { 0 };

	check_eq(bus_add(&bus, &timer.byte), 0);
	bus_write(&bus, LAYOUT_BOOT_TIMER_BASE, 1, 2);
	cr_assert(timer.ns[BOOT_MARK_USER_SPACE] > 0);
	check_eq(timer.ns[BOOT_MARK_GUEST], 0);
	check_eq(bus_read(&bus, LAYOUT_BOOT_TIMER_BASE, 1) & 0xff, 0xff);
	check_eq(LAYOUT_BOOT_TIMER_BASE - LAYOUT_EXIT_BASE, LAYOUT_EXIT_SIZE - 1);
}

static unsigned n_user_space;

static void count_user_space(struct boot_timer_listener *listener)
{
	n_user_space++;
}

/*
 * bad input: Launcher: a guest that says again and again that its user space is up -> mvmm reports
 * it once
 */
Test(boot_timer, tells_of_user_space_once, .init = setup)
{
	struct boot_timer_listener listener = { .user_space = count_user_space };
	struct bus bus = { 0 };

	check_eq(bus_add(&bus, &timer.port), 0);
	timer.listener = &listener;
	for (unsigned value = 0; value < 256; value++)
		if (value != 2)
			bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, value);
	check_eq(n_user_space, 0);
	for (unsigned i = 0; i < 3; i++)
		bus_write(&bus, LAYOUT_BOOT_TIMER_PORT, 1, 2);
	check_eq(n_user_space, 1);
}

Test(boot_timer, table, .init = setup)
{
	timer.ns[BOOT_MARK_EXEC] = 1000000;
	timer.ns[BOOT_MARK_MAIN] = 2500000;
	timer.ns[BOOT_MARK_GUEST] = 9001000;
	driver_log_capture();
	boot_timer_print(&timer);
	fflush(stderr);
	check_contains(driver_log_text(), "\nexec                              0.000\n");
	check_contains(driver_log_text(), "\nmain                              1.500\n");
	check_contains(driver_log_text(), "\nfirst guest instruction           8.001\n");
	cr_assert(!strstr(driver_log_text(), "guest user space"), "what was not reached");
}

static struct state_file file;

/* Loads what @from has into the timer. */
static void save_and_load(const struct boot_timer *from)
{
	state_file_save(&file);
	boot_timer_save(from, &file.writer);
	state_file_load(&file);
	boot_timer_load(&timer, &file.reader);
	check_eq(state_file_result(&file), 0, "%s", file.err.text);
	state_file_fini(&file);
}

Test(boot_timer, guests_marks_are_saved, .init = setup)
{
	struct boot_timer_listener listener = { .user_space = count_user_space };
	struct boot_timer saved;
	uint64_t first;

	boot_timer_init(&saved);
	boot_timer_mark(&saved, BOOT_MARK_LOADED);
	timer.listener = &listener;
	save_and_load(&saved);
	check_eq(timer.ns[BOOT_MARK_LOADED], 0, "not the guest's");
	check_eq(timer.ns[BOOT_MARK_GUEST], 0);
	boot_timer_mark(&saved, BOOT_MARK_GUEST);
	save_and_load(&saved);
	first = timer.ns[BOOT_MARK_GUEST];
	cr_assert(first >= timer.ns[BOOT_MARK_MAIN]);
	check_eq(timer.ns[BOOT_MARK_USER_SPACE], 0);
	check_eq(n_user_space, 0);
	boot_timer_mark(&saved, BOOT_MARK_USER_SPACE);
	save_and_load(&saved);
	cr_assert(timer.ns[BOOT_MARK_USER_SPACE] >= first);
	save_and_load(&saved);
	check_eq(timer.ns[BOOT_MARK_GUEST], first);
	check_eq(n_user_space, 1);
}

/*
 * bad input: Snapshots: a snapshot in which a mark of the boot timer is neither set nor unset ->
 * refused, and no mark is set
 */
Test(boot_timer, saved_marks_of_two, .init = setup)
{
	for (unsigned i = 0; i < 2; i++) {
		state_file_save(&file);
		state_writer_u8(&file.writer, i ? 1 : 2);
		state_writer_u8(&file.writer, i ? 2 : 1);
		state_file_load(&file);
		boot_timer_load(&timer, &file.reader);
		check_eq(state_file_result(&file), -EINVAL);
		check_eq(timer.ns[BOOT_MARK_GUEST], 0);
		check_eq(timer.ns[BOOT_MARK_USER_SPACE], 0);
	}
	state_file_fini(&file);
}
