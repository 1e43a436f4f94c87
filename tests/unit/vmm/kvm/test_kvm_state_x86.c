// SPDX-License-Identifier: Apache-2.0
/* Interrupt controllers, timer and clock of real VMs, saved and restored. */
#include "vmm/kvm/kvm_state_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"
#include "vmm/base/clock.h"

#include <signal.h>
#include <ucontext.h>

TestSuite(kvm_state_x86, .timeout = 15);

#define IOAPIC 2
#define PIN 9

static struct small_guest guest;
static struct kvm_state state;
static struct error err;

static void setup(void)
{
	static const uint8_t code[] = { 0xf4 };

	small_guest_init(&guest, code, sizeof(code));
}

static void teardown(void)
{
	small_guest_fini(&guest);
}

static void make_anew(void)
{
	teardown();
	setup();
}

static void save(void)
{
	check_eq(kvm_state_x86_save(&guest.kvm, &state, &err), 0, "%s", err.text);
}

static int restore(void)
{
	return kvm_state_x86_restore(&guest.kvm, &state, false, &err);
}

static uint64_t clock_now(void)
{
	struct kvm_clock_data clock = { 0 };

	check_eq(ioctl(guest.kvm.vm_fd, KVM_GET_CLOCK, &clock), 0);
	return clock.clock;
}

static void set_clock(uint64_t value)
{
	struct kvm_clock_data clock = { .clock = value };

	check_eq(ioctl(guest.kvm.vm_fd, KVM_SET_CLOCK, &clock), 0);
}

/* What is restored to a new VM is what is saved of it. */
Test(kvm_state_x86, interrupt_controllers_come_back, .init = setup, .fini = teardown)
{
	struct kvm_irqchip before[KVM_STATE_CHIPS];

	save();
	state.chips[0].chip.pic.imr = 0x5a;
	state.chips[1].chip.pic.irq_base = 0x70;
	for (unsigned i = 0; i < 24; i++)
		state.chips[IOAPIC].chip.ioapic.redirtbl[i].bits = 0x10030 + i; /* masked */
	state.chips[IOAPIC].chip.ioapic.ioregsel = 0x12;
	memcpy(before, state.chips, sizeof(before));
	make_anew();
	check_eq(restore(), 0, "%s", err.text);
	memset(&state, 0xa5, sizeof(state));
	save();
	check_eq(memcmp(before, state.chips, sizeof(before)), 0);
	check_eq(state.has_pit, 0);
}

/* The IOAPIC had accepted an edge and not passed it on. */
Test(kvm_state_x86, pending_interrupt_is_delivered, .init = setup, .fini = teardown)
{
	static const uint8_t handler[] = { 0xb0, 0x07, 0xe6, SMALL_GUEST_PORT };
	struct kvm_lapic_state lapic;
	uint32_t irr;

	small_guest_handle_irq(&guest, PIN, handler, sizeof(handler));
	save();
	state.chips[IOAPIC].chip.ioapic.irr = 1 << PIN;
	check_eq(restore(), 0, "%s", err.text);
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(&irr, lapic.regs + 0x210, sizeof(irr)); /* vectors 0x20 to 0x3f */
	check_eq(irr, 1 << (SMALL_GUEST_VECTOR - 0x20));
}

Test(kvm_state_x86, timer_comes_back, .init = setup, .fini = teardown)
{
	struct kvm_pit_config config = { 0 };

	check_eq(ioctl(guest.kvm.vm_fd, KVM_CREATE_PIT2, &config), 0);
	save();
	check_eq(state.has_pit, 1);
	state.pit.channels[2].count = 0x1234;
	make_anew();
	check_eq(ioctl(guest.kvm.vm_fd, KVM_CREATE_PIT2, &config), 0);
	check_eq(restore(), 0, "%s", err.text);
	state.pit.channels[2].count = 0;
	save();
	check_eq(state.pit.channels[2].count, 0x1234);
}

/* bad input: Snapshots: a snapshot with a PC timer, which VMs of mvmm do not have -> refused */
Test(kvm_state_x86, timer_that_is_not_there, .init = setup, .fini = teardown)
{
	save();
	state.has_pit = 1;
	check_eq(restore(), -ENXIO);
	check_contains(err.text, "KVM: KVM_SET_PIT2: ");
	state.has_pit = UINT64_MAX;
	check_eq(restore(), -EINVAL);
	check_str(err.text, "snapshot: number of PC timers is 18446744073709551615");
}

static void expect_clock(uint64_t from)
{
	uint64_t now = clock_now();

	cr_assert(now - from < 10 * NS_PER_S, "%llu after %llu", (unsigned long long)now,
		  (unsigned long long)from);
}

Test(kvm_state_x86, clock_goes_on, .init = setup, .fini = teardown)
{
	set_clock(1000 * NS_PER_S);
	save();
	expect_clock(1000 * NS_PER_S);
	cr_assert(state.clock >= 1000 * NS_PER_S);
	state.realtime -= 5000 * NS_PER_S; /* long ago */
	make_anew();
	cr_assert(clock_now() < 10 * NS_PER_S);
	check_eq(restore(), 0, "%s", err.text);
	expect_clock(state.clock);
}

Test(kvm_state_x86, clock_advances_by_real_time, .init = setup, .fini = teardown)
{
	struct timespec now;

	set_clock(1000 * NS_PER_S);
	save();
	clock_gettime(CLOCK_REALTIME, &now);
	cr_assert((uint64_t)now.tv_sec * NS_PER_S + NS_PER_S - state.realtime < 10 * NS_PER_S);
	state.realtime -= 5000 * NS_PER_S;
	make_anew();
	check_eq(kvm_state_x86_restore(&guest.kvm, &state, true, &err), 0, "%s", err.text);
	expect_clock(state.clock + 5000 * NS_PER_S);
}

static struct kvm_clock_data clock_data;

static void tell_clock(int signo, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	*(struct kvm_clock_data *)registers[REG_RDX] = clock_data;
	registers[REG_RAX] = 0;
}

/* KVM's own pair of times is better, where it has one. */
Test(kvm_state_x86, real_time_is_kvm_s, .init = setup, .fini = teardown)
{
	struct sigaction action = { .sa_sigaction = tell_clock, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	trap_command(SYS_ioctl, KVM_GET_CLOCK);
	clock_data =
		(struct kvm_clock_data){ .clock = 7, .flags = KVM_CLOCK_REALTIME, .realtime = 99 };
	save();
	check_eq(state.clock, 7);
	check_eq(state.realtime, 99);
	clock_data.flags = 0;
	save();
	cr_assert(state.realtime > 1000000 * NS_PER_S);
}

/*
 * bad input: Host resources: clock=realtime on a kernel before Linux 5.16, whose KVM cannot do it
 * -> refused
 */
Test(kvm_state_x86, clock_that_cannot_advance, .init = setup, .fini = teardown)
{
	save();
	refuse_command(SYS_ioctl, KVM_CHECK_EXTENSION, EINVAL);
	check_eq(restore(), 0, "%s", err.text);
	check_eq(kvm_state_x86_restore(&guest.kvm, &state, true, &err), -ENOTSUP);
	check_contains(err.text, "--restore clock=realtime: this host's KVM cannot advance");
}

static void expect_refusal(const char *text)
{
	state.chips[0].chip.pic.imr ^= 0xff;
	check_eq(restore(), -EINVAL, "%s", text);
	check_contains(err.text, text);
	save();
	check_eq(state.chips[0].chip.pic.imr, 0xff, "nothing has changed");
}

/*
 * bad input: Snapshots: a snapshot with an interrupt controller in the place of another one, or at
 * another address -> refused before anything is changed
 */
Test(kvm_state_x86, hostile_chips, .init = setup, .fini = teardown)
{
	save();
	state.chips[0].chip_id = KVM_IRQCHIP_IOAPIC;
	expect_refusal("interrupt controller 2 is in the place of the first 8259");
	state.chips[1].chip_id = UINT32_MAX;
	expect_refusal("interrupt controller 4294967295 is in the place of the second 8259");
	state.chips[IOAPIC].chip_id = 0;
	expect_refusal("interrupt controller 0 is in the place of the IOAPIC");
	state.chips[IOAPIC].chip.ioapic.base_address = 0xfec00000ULL + (1ULL << 32);
	expect_refusal("the IOAPIC is at 0x1fec00000; its place is 0xfec00000");
}

/*
 * bad input: Snapshots: a snapshot in which any byte of the VM's own state was changed -> it is
 * restored or refused; no crash
 */
Test(kvm_state_x86, every_byte_changed, .init = setup, .fini = teardown)
{
	struct kvm_state good;
	unsigned refused = 0;

	save();
	good = state;
	for (size_t i = 0; i < sizeof(state); i++) {
		((uint8_t *)&state)[i] ^= 0xff;
		refused += restore() < 0;
		state = good;
	}
	check_eq(refused, 3 * 4 + 8 + 8, "ids, an address, the number of timers");
	check_eq(restore(), 0, "%s", err.text);
}

/* The last one first: a refusal lasts. */
Test(kvm_state_x86, ioctls_are_refused, .init = setup, .fini = teardown)
{
	save();
	refuse_command(SYS_ioctl, KVM_SET_CLOCK, EIO);
	check_eq(restore(), -EIO);
	check_str(err.text, "KVM: KVM_SET_CLOCK: Input/output error");
	refuse_command(SYS_ioctl, KVM_SET_IRQCHIP, EIO);
	check_eq(restore(), -EIO);
	check_str(err.text, "KVM: KVM_SET_IRQCHIP: first 8259: Input/output error");
	refuse_command(SYS_ioctl, KVM_GET_PIT2, EIO);
	check_eq(kvm_state_x86_save(&guest.kvm, &state, &err), -EIO);
	check_str(err.text, "KVM: KVM_GET_PIT2: Input/output error");
	refuse_command(SYS_ioctl, KVM_GET_IRQCHIP, EIO);
	check_eq(kvm_state_x86_save(&guest.kvm, &state, &err), -EIO);
	check_str(err.text, "KVM: KVM_GET_IRQCHIP: first 8259: Input/output error");
	refuse_command(SYS_ioctl, KVM_GET_CLOCK, EIO);
	check_eq(kvm_state_x86_save(&guest.kvm, &state, &err), -EIO);
	check_str(err.text, "KVM: KVM_GET_CLOCK: Input/output error");
}
