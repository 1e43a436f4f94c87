// SPDX-License-Identifier: Apache-2.0
/* Puts the watchdog on the bus, and ends whom it bites. Start reading at bites. */
#include "vmm/vm/vm_watchdog.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"
#include "vmm/vm/vm_hang.h"
#include "vmm/vm/vm_state.h"

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

/* A guest makes them once in some seconds. */
static bool always(struct bus_region *region, uint64_t offset, unsigned size, bool write)
{
	(void)region;
	(void)offset;
	(void)size;
	(void)write;
	return true;
}

static const struct bus_ops registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.needs_loop = always,
};

int vm_watchdog_init(struct vm *vm, struct error *err)
{
	int ret;

	watchdog_init(&vm->watchdog.watchdog, &watchdog_ops, &vm->loop);
	vm->watchdog.registers =
		(struct bus_region){ LAYOUT_WATCHDOG_BASE, LAYOUT_WATCHDOG_SIZE, &registers_ops };
	ret = bus_add(&vm->mmio, &vm->watchdog.registers);
	return ret < 0 ? error_set(err, -ret, "no place for the watchdog: %s", strerror(-ret)) : 0;
}
