// SPDX-License-Identifier: Apache-2.0
/* The watchdog with a real clock. */
#include "devices/platform/watchdog.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/state_file.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <time.h>

TestSuite(watchdog, .timeout = 20);

static struct driver_host host;
static struct watchdog watchdog;
static unsigned expirations;

static void expired(struct watchdog *who)
{
	cr_assert(who == &watchdog);
	expirations++;
	event_loop_stop(&host.loop);
}

static const struct watchdog_ops ops = { .expired = expired };

static void setup(void)
{
	driver_host_init(&host);
	watchdog_init(&watchdog, &ops, &host.loop);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void start(uint32_t seconds)
{
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, seconds);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_RUN, 1);
}

/* Runs the loop until it expires, and returns how many ms that took. */
static uint64_t await_expiry(void)
{
	uint64_t from = now_ms();

	check_eq(event_loop_run(&host.loop), 0);
	check_eq(expirations, 1);
	return now_ms() - from;
}

Test(watchdog, registers, .init = setup)
{
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 0);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), 30);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 0);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_LEFT, 1);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 0);
	start(7);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 1);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), 7);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 7);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, 9);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 9);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_RUN, 2);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 0);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 0);
	for (uint64_t offset = LAYOUT_WATCHDOG_SIZE; offset < 64; offset++)
		check_eq(watchdog_read(&watchdog, offset), 0);
}

Test(watchdog, takes_only_sound_times, .init = setup)
{
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, LAYOUT_WATCHDOG_MAX_SECONDS);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), LAYOUT_WATCHDOG_MAX_SECONDS);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, 0);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, LAYOUT_WATCHDOG_MAX_SECONDS + 1);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, UINT32_MAX);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), LAYOUT_WATCHDOG_MAX_SECONDS);
}

Test(watchdog, expires_when_its_time_is_over, .init = setup)
{
	uint64_t took;

	start(1);
	took = await_expiry();
	cr_assert(took >= 990 && took < 3000, "%lu ms", took);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 0);
}

Test(watchdog, time_made_shorter, .init = setup)
{
	uint64_t took;

	start(LAYOUT_WATCHDOG_MAX_SECONDS);
	driver_settle(&host);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_SECONDS, 1);
	took = await_expiry();
	cr_assert(took >= 990 && took < 4000, "%lu ms", took);
}

/* As if the guest had had no time left for an hour. */
Test(watchdog, renewed_before_the_look, .init = setup)
{
	uint64_t took;

	start(1);
	watchdog.timer.at_ns = 1;
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_LEFT, 1);
	driver_settle(&host);
	check_eq(expirations, 0);
	took = await_expiry();
	cr_assert(took >= 990, "%lu ms", took);
}

Test(watchdog, stopped_and_started_again, .init = setup)
{
	start(1);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_RUN, 0);
	watchdog_renew(&watchdog);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 0);
	watchdog_write(&watchdog, LAYOUT_WATCHDOG_RUN, 1);
	cr_assert(await_expiry() >= 990);
}

Test(watchdog, renewed_after_it_expired, .init = setup)
{
	start(1);
	await_expiry();
	expirations = 0;
	watchdog_renew(&watchdog);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), 1);
	cr_assert(await_expiry() >= 990);
}

Test(watchdog, zeroed_one_is_renewed)
{
	struct watchdog none = { 0 };

	watchdog_renew(&none);
	check_eq(event_loop_armed(&none.timer), false);
}

static struct state_file file;

/* A state of these values, loaded. */
static int load(uint8_t runs, uint32_t seconds)
{
	int ret;

	state_file_save(&file);
	state_writer_u8(&file.writer, runs);
	state_writer_u32(&file.writer, seconds);
	state_file_load(&file);
	watchdog_load(&watchdog, &file.reader);
	ret = state_file_result(&file);
	state_file_fini(&file);
	return ret;
}

Test(watchdog, saved_while_it_runs, .init = setup)
{
	struct watchdog saved;

	watchdog_init(&saved, &ops, &host.loop);
	watchdog_write(&saved, LAYOUT_WATCHDOG_SECONDS, 1);
	watchdog_write(&saved, LAYOUT_WATCHDOG_RUN, 1);
	state_file_save(&file);
	watchdog_save(&saved, &file.writer);
	event_loop_cancel(&host.loop, &saved.timer);
	state_file_load(&file);
	watchdog_load(&watchdog, &file.reader);
	check_eq(state_file_result(&file), 0, "%s", file.err.text);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 1);
	cr_assert(await_expiry() >= 990, "it has all of its time");
	state_file_fini(&file);
}

Test(watchdog, loaded_over_one_that_runs, .init = setup)
{
	start(5);
	check_eq(load(0, 9), 0);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 0);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), 9);
	check_eq(event_loop_armed(&watchdog.timer), false);
}

/*
 * bad input: Snapshots: a snapshot with a watchdog whose time is 0 or above the maximum -> refused,
 * and the watchdog does not change
 */
Test(watchdog, saved_times_that_cannot_be, .init = setup)
{
	start(5);
	check_eq(load(0, 0), -EINVAL);
	check_eq(load(0, LAYOUT_WATCHDOG_MAX_SECONDS + 1), -EINVAL);
	check_eq(load(0, UINT32_MAX), -EINVAL);
	check_eq(load(2, 5), -EINVAL);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_RUN), 1);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_SECONDS), 5);
	check_eq(load(1, LAYOUT_WATCHDOG_MAX_SECONDS), 0);
	check_eq(watchdog_read(&watchdog, LAYOUT_WATCHDOG_LEFT), LAYOUT_WATCHDOG_MAX_SECONDS);
}
