// SPDX-License-Identifier: Apache-2.0
/* The end of a guest that hangs: what is told of its vCPUs and console, and only once. */
#include "vmm/vm/vm_state.h"

#include "tests/support/driver.h"
#include "tests/support/vm_counting.h"
#include "vmm/base/clock.h"

TestSuite(vm_hang, .timeout = 20);

static struct vm_fixture f;
static struct vm *vm;

static void setup(void)
{
	vm_fixture_init(&f, "-m 64M -c 2 -p a --platform acpi --serial null");
	vm = f.vm;
	vm_counting_load(vm);
	driver_log_capture();
}

static void teardown(void)
{
	event_loop_close(&vm->loop);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	vm_fixture_fini(&f);
}

static void run(void)
{
	check_eq(event_loop_run(&vm->loop), 0);
}

Test(vm_hang, running, .init = setup, .fini = teardown)
{
	uint32_t counted;

	vm_counting_start(vm);
	vm_counting_await(vm);
	vm_hang_end(vm, OUTCOME_TIMEOUT, "it took too long");
	run();
	check_eq(vm->end.outcome, OUTCOME_TIMEOUT);
	check_str(vm->end.detail, "it took too long");
	cr_assert(vm_is_parked(vm));
	counted = vm_counting(vm);
	check_contains(driver_log_text(), "vCPU 0: running at 0x100");
	check_contains(driver_log_text(), ", interrupts off\n");
	check_contains(driver_log_text(), "vCPU 1: never started by the guest\n");
	check_contains(driver_log_text(), "console: the guest wrote nothing\n");
	/* Nobody lets it go on. */
	vm_fixture_pause(&f);
	vm_resume(vm);
	cr_assert(vm_is_parked(vm));
	check_eq(vm_counting(vm), counted);
}

Test(vm_hang, halted_with_interrupts_on, .init = setup, .fini = teardown)
{
	static const uint8_t code[] = {
		0xff, 0x05, 0x00, 0x60, 0x00, 0x00, /* inc dword [0x6000] */
		0xfb,				    /* sti */
		0xf4,				    /* hlt */
		0xeb, 0xfd,			    /* jmp to the hlt */
	};
	struct kvm_mp_state state;

	vm_counting_load_code(vm, code, sizeof(code));
	check_eq(vcpu_start(&vm->vcpus[0]), 0);
	/* It counts once, perhaps before this line. */
	while (!vm_counting(vm))
		sched_yield();
	vm_hang_end(vm, OUTCOME_WATCHDOG, "x");
	run();
	check_eq(vm->end.outcome, OUTCOME_WATCHDOG);
	check_eq(ioctl(vm->vcpus[0].fd, KVM_GET_MP_STATE, &state), 0);
	check_contains(driver_log_text(), state.mp_state == KVM_MP_STATE_HALTED
						  ? "vCPU 0: halted at 0x1008\n"
						  : "vCPU 0: running at 0x100");
	cr_assert(strstr(driver_log_text(), "interrupts off") == NULL, "%s", driver_log_text());
}

/* The first reason stays, whichever way it came. */
Test(vm_hang, first_reason_wins, .init = setup, .fini = teardown)
{
	char detail[] = "the first";

	vm_hang_end(vm, OUTCOME_TIMEOUT, detail);
	memset(detail, 'x', sizeof(detail) - 1); /* it was copied */
	vm_hang_end(vm, OUTCOME_WATCHDOG, "the second");
	run();
	check_eq(vm->end.outcome, OUTCOME_TIMEOUT);
	check_str(vm->end.detail, "the first");
}

Test(vm_hang, ends_by_itself_meanwhile, .init = setup, .fini = teardown)
{
	vm_hang_end(vm, OUTCOME_TIMEOUT, "late");
	vm_finish(vm, OUTCOME_POWER_OFF, 0, "by itself");
	run();
	/* Until after the next look. */
	vm_fixture_run_loop(&f, 100);
	check_eq(vm->end.outcome, OUTCOME_POWER_OFF);
	check_str(vm->end.detail, "by itself");
	check_str(driver_log_text(), "");
	vm_hang_end(vm, OUTCOME_TIMEOUT, "later");
	check_eq(vm->end.outcome, OUTCOME_POWER_OFF);
}

/* Whole lines of the console, and the guest's bytes made harmless. */
Test(vm_hang, last_lines_of_the_console, .init = setup, .fini = teardown)
{
	static const uint8_t text[] = "first\r\n\x1b[2J\nand no end";

	console_tail_add(&vm->console_tail, text, sizeof(text) - 1);
	vm_hang_end(vm, OUTCOME_TIMEOUT, "x");
	run();
	check_contains(driver_log_text(), "console: first\n");
	check_contains(driver_log_text(), "console: ?[2J\n");
	check_contains(driver_log_text(), "console: and no end\n");
	cr_assert(strstr(driver_log_text(), "console: the guest wrote nothing") == NULL);
	cr_assert(strstr(driver_log_text(), "console: \n") == NULL);
}

/* --timeout counts from the start of mvmm. */
Test(vm_hang, timeout, .init = setup, .fini = teardown)
{
	uint64_t from = clock_now_ns(CLOCK_MONOTONIC), now;

	vm->timeout.seconds = 3;
	f.timer.ns[BOOT_MARK_EXEC] = from - 2500000000;
	vm_hang_start_timeout(vm);
	run();
	now = clock_now_ns(CLOCK_MONOTONIC);
	cr_assert(now - from >= 500000000);
	cr_assert(now - from < 2500000000, "%llu ns", (unsigned long long)(now - from));
	check_eq(vm->end.outcome, OUTCOME_TIMEOUT);
	check_str(vm->end.detail, "timeout: the guest did not end within 3 s");
}

Test(vm_hang, timeout_that_is_over_already, .init = setup, .fini = teardown)
{
	uint64_t from = clock_now_ns(CLOCK_MONOTONIC);

	vm->timeout.seconds = 1;
	f.timer.ns[BOOT_MARK_EXEC] = from - 60000000000;
	vm_hang_start_timeout(vm);
	run();
	cr_assert(clock_now_ns(CLOCK_MONOTONIC) - from < 2500000000);
	check_eq(vm->end.outcome, OUTCOME_TIMEOUT);
}
