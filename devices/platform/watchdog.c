// SPDX-License-Identifier: Apache-2.0
/* A deadline that the guest moves. Start reading at watchdog_write. */
#include "devices/platform/watchdog.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>

#define DEFAULT_SECONDS 30

static void time_is_over(struct event_timer *timer)
{
	struct watchdog *watchdog = container_of(timer, struct watchdog, timer);

	watchdog->ops->expired(watchdog);
}

void watchdog_init(struct watchdog *watchdog, const struct watchdog_ops *ops,
		   struct event_loop *loop)
{
	*watchdog = (struct watchdog){
		.ops = ops,
		.loop = loop,
		.timer.due = time_is_over,
		.seconds = DEFAULT_SECONDS,
	};
}

void watchdog_renew(struct watchdog *watchdog)
{
	if (watchdog->runs)
		event_loop_arm(watchdog->loop, &watchdog->timer, watchdog->seconds * NS_PER_S);
	else
		event_loop_cancel(watchdog->loop, &watchdog->timer);
}

uint32_t watchdog_read(const struct watchdog *watchdog, uint64_t offset)
{
	switch (offset) {
	case LAYOUT_WATCHDOG_RUN:
		return watchdog->runs;
	case LAYOUT_WATCHDOG_SECONDS:
		return watchdog->seconds;
	case LAYOUT_WATCHDOG_LEFT:
		return (uint32_t)((event_loop_left_ns(&watchdog->timer) + NS_PER_S - 1) / NS_PER_S);
	default:
		return 0;
	}
}

void watchdog_write(struct watchdog *watchdog, uint64_t offset, uint32_t value)
{
	if (offset == LAYOUT_WATCHDOG_RUN)
		watchdog->runs = value & 1;
	else if (offset == LAYOUT_WATCHDOG_SECONDS && value >= 1 &&
		 value <= LAYOUT_WATCHDOG_MAX_SECONDS)
		watchdog->seconds = value;
	watchdog_renew(watchdog);
}

void watchdog_save(const struct watchdog *watchdog, struct state_writer *writer)
{
	state_writer_bool(writer, watchdog->runs);
	state_writer_u32(writer, watchdog->seconds);
}

void watchdog_load(struct watchdog *watchdog, struct state_reader *reader)
{
	bool runs = state_reader_bool(reader);
	uint32_t seconds = state_reader_u32(reader);

	if (seconds < 1 || seconds > LAYOUT_WATCHDOG_MAX_SECONDS)
		state_reader_fail(reader, EINVAL,
				  "has a time of %" PRIu32
				  " s, and it can be from 1 to %u s; save the VM again",
				  seconds, LAYOUT_WATCHDOG_MAX_SECONDS);
	if (reader->failed)
		return;
	watchdog->runs = runs;
	watchdog->seconds = seconds;
	watchdog_renew(watchdog);
}
