// SPDX-License-Identifier: Apache-2.0
/* A deadline that the guest moves. Start reading at watchdog_write. */
#include "devices/platform/watchdog.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

#define NS_PER_S 1000000000ULL
/* Of one wait: the guest may make the time shorter meanwhile. */
#define STEP_NS NS_PER_S
#define DEFAULT_SECONDS 30

static uint64_t left_ns(const struct watchdog *watchdog)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	return watchdog->runs && watchdog->due_ns > now ? watchdog->due_ns - now : 0;
}

static void await(struct watchdog *watchdog)
{
	uint64_t left = left_ns(watchdog);

	if (left > STEP_NS)
		left = STEP_NS;
	watchdog->delay = (struct __kernel_timespec){ .tv_sec = (int64_t)(left / NS_PER_S),
						      .tv_nsec = (int64_t)(left % NS_PER_S) };
	watchdog->waits = true;
	event_loop_delay(watchdog->loop, &watchdog->op, &watchdog->delay);
}

static void look(struct event_op *op, int result)
{
	struct watchdog *watchdog = container_of(op, struct watchdog, op);

	(void)result;
	watchdog->waits = false;
	if (!watchdog->runs)
		return;
	if (left_ns(watchdog))
		await(watchdog);
	else
		watchdog->ops->bites(watchdog);
}

void watchdog_init(struct watchdog *watchdog, const struct watchdog_ops *ops,
		   struct event_loop *loop)
{
	*watchdog = (struct watchdog){
		.ops = ops,
		.loop = loop,
		.op.done = look,
		.seconds = DEFAULT_SECONDS,
	};
}

void watchdog_renew(struct watchdog *watchdog)
{
	if (!watchdog->runs)
		return;
	watchdog->due_ns = clock_now_ns(CLOCK_MONOTONIC) + watchdog->seconds * NS_PER_S;
	if (!watchdog->waits)
		await(watchdog);
}

uint32_t watchdog_read(const struct watchdog *watchdog, uint64_t offset)
{
	switch (offset) {
	case LAYOUT_WATCHDOG_RUN:
		return watchdog->runs;
	case LAYOUT_WATCHDOG_SECONDS:
		return watchdog->seconds;
	case LAYOUT_WATCHDOG_LEFT:
		return (uint32_t)((left_ns(watchdog) + NS_PER_S - 1) / NS_PER_S);
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
