// SPDX-License-Identifier: Apache-2.0
/* The watchdog's registers in a VM: on which thread, and in which widths. */
#include "vmm/vm/vm_state.h"

#include "tests/support/bus_value.h"
#include "tests/support/vm_fixture.h"
#include "vmm/base/layout.h"

TestSuite(vm_watchdog, .timeout = 20);

#define SECONDS (LAYOUT_WATCHDOG_BASE + LAYOUT_WATCHDOG_SECONDS)

static struct vm_fixture f;

static void setup(void)
{
	vm_fixture_init(&f, "-p a --watchdog --serial null");
}

static void teardown(void)
{
	vm_fixture_fini(&f);
}

static void *as_a_vcpu(void *arg)
{
	struct vm *vm = arg;

	bus_write(&vm->mmio, SECONDS, 4, 12);
	bus_write(&vm->mmio, SECONDS, 8, 13);
	bus_write(&vm->mmio, SECONDS, 1, 14);
	check_eq(bus_read(&vm->mmio, SECONDS, 4), 12);
	check_eq(bus_read(&vm->mmio, SECONDS, 1), 0);
	check_eq(bus_read(&vm->mmio, SECONDS, 8), 0);
	event_loop_stop(&vm->loop);
	return NULL;
}

Test(vm_watchdog, registers_are_of_32_bits, .init = setup, .fini = teardown)
{
	pthread_t vcpu;

	check_eq(pthread_create(&vcpu, NULL, as_a_vcpu, f.vm), 0);
	check_eq(event_loop_run(&f.vm->loop), 0);
	pthread_join(vcpu, NULL);
	check_eq(f.vm->watchdog.watchdog.seconds, 12);
}

/* Without the loop, which alone may touch the watchdog, nobody answers. */
Test(vm_watchdog, registers_are_the_loops, .init = setup, .fini = teardown)
{
	event_loop_close(&f.vm->loop);
	check_eq(bus_read(&f.vm->mmio, SECONDS, 4), UINT32_MAX);
	bus_write(&f.vm->mmio, SECONDS, 4, 12);
	check_eq(f.vm->watchdog.watchdog.seconds, 30);
}
