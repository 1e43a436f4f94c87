// SPDX-License-Identifier: Apache-2.0
/*
 * A guest of a few dozen KiB that tests the machine it runs in and reports on the serial port.
 * Start reading at main; entry.S calls it. README.md lists the tests.
 */
#include "args.h"
#include "checks.h"
#include "clock.h"
#include "cpu.h"
#include "hello.h"
#include "interrupts.h"
#include "machine.h"
#include "paging.h"
#include "pmem.h"
#include "pvh.h"
#include "serial.h"
#include "smp.h"
#include "text.h"
#include "watchdog.h"

#include <misc/pvpanic.h>
#include <stddef.h>

#define NAME_MAX 64
#define KEYBOARD_PORT 0x64
#define KEYBOARD_RESET 0xfe
#define DEBUG_EXIT_PORT 0xf4

void main(const struct boot_params *params);

static unsigned passed, failed;
static char name[NAME_MAX] = "start"; /* of the test that runs */

/* A way to end the run, chosen by its name among the tests; power-off if there is none. */
struct way_out {
	const char *name;
	void (*leave)(void);
};

static void leave_poweroff(void)
{
	machine_leave(&machine.poweroff);
}

static void leave_reboot(void)
{
	machine_leave(&machine.reset);
}

static void leave_reboot_kbd(void)
{
	out8(KEYBOARD_PORT, KEYBOARD_RESET);
}

static void leave_triple_fault(void)
{
	static const uint16_t no_idt[5];

	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
}

static void leave_halt(void)
{
	stop();
}

/* What @way is given, unless value= says something else. */
static void leave_with(struct machine_exit *way, uint32_t otherwise)
{
	way->value = (uint32_t)args_number("value", otherwise);
	machine_leave(way);
}

static void leave_exit(void)
{
	leave_with(&machine.status, failed ? 1 : 0);
}

static void leave_panic(void)
{
	leave_with(&machine.panic, PVPANIC_PANICKED);
}

static void leave_debug_exit(void)
{
	out32(DEBUG_EXIT_PORT, (uint32_t)args_number("value", 0));
}

/* With interrupts off, as a kernel that hangs in a lock. */
static void leave_spin(void)
{
	interrupts_off();
	for (;;)
		__asm__ volatile("pause");
}

static void leave_expired(void)
{
	watchdog_start();
	print("test-guest: the watchdog runs\n");
	leave_spin();
}

/* Busy without ever moving, as a vCPU is whose page does not come. */
static void leave_jump(void)
{
	interrupts_on();
	__asm__ volatile("1: jmp 1b");
}

/* There is neither memory nor a device. */
static void leave_nowhere(void)
{
	__asm__ volatile("jmp *%0" : : "r"(0xd0f00000UL));
}

static const struct way_out ways_out[] = {
	{ "poweroff", leave_poweroff },
	{ "reboot", leave_reboot },
	{ "reboot-kbd", leave_reboot_kbd },
	{ "triple-fault", leave_triple_fault },
	{ "halt", leave_halt },
	{ "spin", leave_spin },
	{ "exit", leave_exit },
	{ "panic", leave_panic },
	{ "debug-exit", leave_debug_exit },
	{ "jump", leave_jump },
	{ "expired", leave_expired },
	{ "nowhere", leave_nowhere },
};
static const struct way_out *way_out = &ways_out[0];

static void leave_on_cpu(unsigned cpu)
{
	way_out->leave();
}

_Noreturn static void leave(void)
{
	uint64_t cpu = args_number("exit-cpu", 0);

	print("test-guest: done %u ok %u failed\n", passed, failed);
	for (unsigned i = 0; i < pmem_count && args_number("in-flight", 0); i++) {
		pmem_offer(&pmems[i], 0);
		pmem_kick(&pmems[i]);
	}
	if (cpu && cpu < machine.n_cpus)
		smp_run((unsigned)cpu, leave_on_cpu);
	else
		way_out->leave();
	interrupts_idle(args_number("exit-ms", 1000) * 1000000);
	print("test-guest: %s had no effect\n", way_out->name);
	leave_reboot_kbd();
	leave_triple_fault();
	stop();
}

static void report(const char *error)
{
	if (error) {
		failed++;
		print("test-guest: %s FAIL %s\n", name, error);
	} else {
		passed++;
		print("test-guest: %s ok\n", name);
	}
}

/* The test that runs has failed, and nothing can be run after it. */
_Noreturn static void abort_run(const char *reason)
{
	interrupts_off();
	report(reason);
	leave();
}

/* Runs the test called @name, or remembers the way out of that name. */
static void run(void)
{
	const struct check *check = checks_find(name);

	if (check) {
		report(checks_run(check));
		return;
	}
	for (size_t i = 0; i < sizeof(ways_out) / sizeof(ways_out[0]); i++) {
		if (text_equal(ways_out[i].name, name)) {
			way_out = &ways_out[i];
			return;
		}
	}
	if (!text_equal(name, "hostile")) {
		report("there is no such test");
		return;
	}
	for (check = hostile_checks; check->name; check++) {
		if (check->by_name)
			continue;
		memcpy(name, check->name, strlen(check->name) + 1);
		report(checks_run(check));
	}
}

static void run_all(const char *names)
{
	while (*names && *names != ' ') {
		size_t len = 0;

		while (*names && *names != ' ' && *names != ',' && len + 1 < NAME_MAX)
			name[len++] = *names++;
		name[len] = '\0';
		if (*names == ',')
			names++;
		run();
	}
}

void main(const struct boot_params *params)
{
	const char *names, *error;

	interrupts_init(abort_run);
	paging_init();
	if (pvh_entered())
		params = pvh_params();
	args_init(params);
	hello_init(params);
	smp_init(params);
	clock_init();
	error = machine_find(params);
	if (error)
		abort_run(error);
	interrupts_init_cpu();
	error = pmem_find();
	if (error)
		abort_run(error);
	names = args_text("test");
	run_all(names ? names : "hello,flush");
	leave();
}
