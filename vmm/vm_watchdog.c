// SPDX-License-Identifier: Apache-2.0
/*
 * Brings register accesses to the watchdog, which is the event loop's: a guest makes them every few
 * seconds. Start reading at bites.
 */
#include "vmm/vm_watchdog.h"

#include "boot/layout.h"
#include "vmm/container_of.h"
#include "vmm/vm_hang.h"
#include "vmm/vm_state.h"

#include <stdio.h>
#include <string.h>

static void bites(struct watchdog *watchdog)
{
	struct vm *vm = container_of(watchdog, struct vm, watchdog.watchdog);
	char detail[80];

	/* It could not come; vm_resume gives it the time again. */
	if (vm->paused)
		return;
	snprintf(detail, sizeof(detail), "watchdog: the guest did not see to it within %u s",
		 watchdog->seconds);
	/* With QEMU's default action and its -no-reboot, so that its users see what they know. */
	monitor_watchdog(&vm->monitor, "reset");
	vm_hang_end(vm, OUTCOME_WATCHDOG, detail);
}

static const struct watchdog_ops watchdog_ops = { .bites = bites };

/* A register access on its way to the event loop. */
struct access {
	struct event_call call;
	struct watchdog *watchdog;
	uint64_t offset;
	bool is_write;
	uint32_t value;
};

static void make_access(struct event_call *call)
{
	struct access *access = container_of(call, struct access, call);

	if (access->is_write)
		watchdog_write(access->watchdog, access->offset, access->value);
	else
		access->value = watchdog_read(access->watchdog, access->offset);
}

static uint32_t hand_over(struct bus_region *region, uint64_t offset, bool is_write, uint32_t value)
{
	struct vm *vm = container_of(region, struct vm, watchdog.registers);
	struct access access = {
		.call.run = make_access,
		.watchdog = &vm->watchdog.watchdog,
		.offset = offset,
		.is_write = is_write,
		.value = value,
	};

	event_loop_call(&vm->loop, &access.call);
	return access.value;
}

static uint64_t registers_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	return size == 4 ? hand_over(region, offset, false, 0) : 0;
}

static void registers_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	if (size == 4)
		hand_over(region, offset, true, (uint32_t)value);
}

static const struct bus_ops registers_ops = { .read = registers_read, .write = registers_write };

int vm_watchdog_init(struct vm *vm, struct error *err)
{
	int ret;

	watchdog_init(&vm->watchdog.watchdog, &watchdog_ops, &vm->loop);
	vm->watchdog.registers =
		(struct bus_region){ LAYOUT_WATCHDOG_BASE, LAYOUT_WATCHDOG_SIZE, &registers_ops };
	ret = bus_add(&vm->mmio, &vm->watchdog.registers);
	return ret < 0 ? error_set(err, -ret, "no place for the watchdog: %s", strerror(-ret)) : 0;
}
