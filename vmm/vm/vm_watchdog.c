// SPDX-License-Identifier: Apache-2.0
/* Puts the watchdog on the bus, and ends a guest that lets it expire. Start reading at expired. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

#include <stdio.h>

static void expired(struct watchdog *watchdog)
{
	struct vm *vm = container_of(watchdog, struct vm, watchdog.watchdog);
	char detail[80];

	/* A paused guest cannot write to it; vm_resume starts the time again. */
	if (vm->paused)
		return;
	snprintf(detail, sizeof(detail),
		 "watchdog: it expired: the guest did not write to it within %u s",
		 watchdog->seconds);
	/* As QEMU's default action with -no-reboot, which its users know. */
	monitor_watchdog(&vm->monitor, "reset");
	vm_hang_end(vm, OUTCOME_WATCHDOG, detail);
}

static const struct watchdog_ops watchdog_ops = { .expired = expired };

static struct watchdog *watchdog_of(struct bus_region *region)
{
	return &container_of(region, struct vm_watchdog, registers)->watchdog;
}

static uint64_t registers_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	return size == 4 ? watchdog_read(watchdog_of(region), offset) : 0;
}

static void registers_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	if (size == 4)
		watchdog_write(watchdog_of(region), offset, (uint32_t)value);
}

/* A guest makes few accesses: one in some seconds. */
static const struct bus_ops registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.thread = BUS_ON_LOOP,
};

int vm_watchdog_init(struct vm *vm, struct error *err)
{
	int ret;

	watchdog_init(&vm->watchdog.watchdog, &watchdog_ops, &vm->loop);
	vm->watchdog.registers =
		(struct bus_region){ LAYOUT_WATCHDOG_BASE, LAYOUT_WATCHDOG_SIZE, &registers_ops };
	ret = bus_add(&vm->mmio, &vm->watchdog.registers);
	return ret < 0 ? error_system(err, -ret, "cannot put the watchdog on the bus") : 0;
}
