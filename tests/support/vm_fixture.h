/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole VM on the real /dev/kvm, for the files that wire it: made as vm_create makes it, in a
 * directory of its own with the files k (a kernel), a (4 MiB) and odd (3,000,001 bytes). Its vCPU
 * does not run unless a test starts it.
 */
#pragma once

#include "tests/support/boot_fixture.h"
#include "tests/support/config_fixture.h"
#include "tests/support/small_guest.h"
#include "vmm/vm/vm_state.h"

struct vm_fixture {
	char dir[32];
	struct config config;
	struct machine machine;
	struct boot_timer timer;
	struct vm *vm;
};

static inline void vm_fixture_file(const char *name, const void *bytes, size_t len, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	cr_assert(fd >= 0);
	check_eq(pwrite(fd, bytes, len, 0), len);
	check_eq(ftruncate(fd, size), 0);
	close(fd);
}

/* @line is the command line, without the kernel. */
static inline void vm_fixture_init(struct vm_fixture *f, const char *line)
{
	struct fixture_bzimage kernel = fixture_bzimage();
	struct error err = { 0 };

	small_guest_need_kvm();
	fixture_directory(f->dir);
	check_eq(chdir(f->dir), 0);
	vm_fixture_file("k", &kernel, sizeof(kernel), sizeof(kernel));
	vm_fixture_file("a", "", 0, 4 << 20);
	vm_fixture_file("odd", "", 0, 3000001);
	f->config = fixture_config(line);
	boot_timer_init(&f->timer);
	check_eq(machine_plan(&f->machine, &f->config, &err), 0, "%s", err.text);
	f->config.sandbox.mode = SANDBOX_OFF;
	check_eq(vm_create(&f->config, &f->machine, &f->timer, &f->vm, &err), 0, "%s", err.text);
}

struct vm_fixture_tick {
	struct event_timer timer;
	struct event_loop *loop;
};

static inline void vm_fixture_tick_due(struct event_timer *timer)
{
	event_loop_stop(container_of(timer, struct vm_fixture_tick, timer)->loop);
}

/* Runs the VM's loop for some milliseconds, or until it is stopped. */
static inline void vm_fixture_run_loop(struct vm_fixture *f, uint64_t ms)
{
	struct vm_fixture_tick tick = { .timer.due = vm_fixture_tick_due, .loop = &f->vm->loop };

	event_loop_arm(tick.loop, &tick.timer, ms * NS_PER_MS);
	check_eq(event_loop_run(tick.loop), 0);
	event_loop_cancel(tick.loop, &tick.timer);
}

/* Stops the VM, and runs its loop until it has stopped. */
static inline void vm_fixture_pause(struct vm_fixture *f)
{
	vm_pause(f->vm);
	while (vm_is_stopping(f->vm))
		vm_fixture_run_loop(f, 1);
}

static inline void vm_fixture_fini(struct vm_fixture *f)
{
	vm_free(f->vm);
	machine_fini(&f->machine);
	config_fini(&f->config);
	check_eq(chdir("/"), 0);
	fixture_remove(f->dir);
}
