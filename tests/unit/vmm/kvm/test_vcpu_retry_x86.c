// SPDX-License-Identifier: Apache-2.0
/* How a vCPU is found for which KVM tries for ever to get a page. tests/e2e/linux-faults has guests
 * for which it does. */
#include "vmm/kvm/vcpu_retry_x86.h"

#include "tests/support/small_guest.h"

TestSuite(vcpu_retry_x86, .timeout = 15);

#define IF 0x200ULL
#define TF 0x100ULL

static struct small_guest guest;
static struct vcpu_retry retry;

static void start(uint64_t rflags)
{
	static const uint8_t code[] = { 0xeb, 0xfe }; /* jmp . */
	struct kvm_regs regs;

	small_guest_init(&guest, code, sizeof(code));
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_REGS, &regs), 0);
	regs.rflags = rflags | 2;
	check_eq(ioctl(guest.vcpu.fd, KVM_SET_REGS, &regs), 0);
	check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false, "nothing to compare with");
}

static void free_guest(void)
{
	vcpu_retry_fini(&retry);
	small_guest_fini(&guest);
}

static bool holds_interrupts(void)
{
	struct kvm_vcpu_events events;

	check_eq(ioctl(guest.vcpu.fd, KVM_GET_VCPU_EVENTS, &events), 0);
	return events.interrupt.shadow == KVM_X86_SHADOW_INT_STI;
}

/* As if the vCPU had taken page faults since the last call. */
static bool faulting_is_likely(void)
{
	retry.faults -= 8;
	return vcpu_retry_is_likely(&retry, guest.vcpu.fd);
}

Test(vcpu_retry_x86, leaves_a_guest_alone_that_spins)
{
	start(IF);
	for (int i = 0; i < 10; i++)
		check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false);
	cr_assert(retry.stats_fd > 0, "this KVM counts page faults");
	check_eq(holds_interrupts(), false);
	retry.faults -= 7;
	check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false);
	check_eq(holds_interrupts(), false, "it took a few only");
	free_guest();
}

Test(vcpu_retry_x86, holds_interrupts_where_faults_lead_nowhere)
{
	struct kvm_regs before, after;

	start(IF);
	check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false, "opens the counters");
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_REGS, &before), 0);
	check_eq(faulting_is_likely(), false);
	check_eq(holds_interrupts(), true);
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_REGS, &after), 0);
	check_eq(memcmp(&before, &after, sizeof(before)), 0, "no register has changed");
	check_eq(faulting_is_likely(), false);
	check_eq(faulting_is_likely(), true, "it did not help");
	free_guest();
}

Test(vcpu_retry_x86, begins_anew_once_the_guest_moves)
{
	struct kvm_regs regs;

	start(IF);
	check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false);
	check_eq(faulting_is_likely(), false);
	check_eq(faulting_is_likely(), false);
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_REGS, &regs), 0);
	regs.rcx++;
	check_eq(ioctl(guest.vcpu.fd, KVM_SET_REGS, &regs), 0);
	check_eq(faulting_is_likely(), false);
	check_eq(faulting_is_likely(), false);
	check_eq(faulting_is_likely(), false);
	check_eq(faulting_is_likely(), true);
	free_guest();
}

static void check_is_left_alone(uint64_t rflags)
{
	start(rflags);
	check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false);
	for (int i = 0; i < 4; i++)
		check_eq(faulting_is_likely(), false);
	check_eq(holds_interrupts(), false);
	free_guest();
}

/* KVM_RUN fails by itself there. */
Test(vcpu_retry_x86, leaves_a_guest_alone_that_takes_no_interrupts)
{
	check_is_left_alone(0);
}

Test(vcpu_retry_x86, leaves_a_guest_alone_that_steps)
{
	check_is_left_alone(IF | TF);
}

static void check_halted_is_left_alone(bool counts)
{
	struct kvm_mp_state halted = { KVM_MP_STATE_HALTED };

	start(IF);
	check_eq(ioctl(guest.vcpu.fd, KVM_SET_MP_STATE, &halted), 0);
	if (!counts)
		retry.stats_fd = -1;
	for (int i = 0; i < 4; i++)
		check_eq(faulting_is_likely(), false);
	check_eq(holds_interrupts(), false);
	free_guest();
}

/* No interrupt would wake it any more. */
Test(vcpu_retry_x86, leaves_a_guest_alone_that_has_halted)
{
	check_halted_is_left_alone(true);
	check_halted_is_left_alone(false);
}

/* Linux before 5.19: all there is to go by is that no register changes. */
Test(vcpu_retry_x86, goes_by_registers_where_kvm_does_not_count)
{
	start(IF);
	retry.stats_fd = -1;
	for (int i = 0; i < 4; i++)
		check_eq(vcpu_retry_is_likely(&retry, guest.vcpu.fd), false,
			 "only KVM_RUN can tell");
	check_eq(holds_interrupts(), true);
	free_guest();
}
