// SPDX-License-Identifier: Apache-2.0
/* The state in which vCPUs start, read back from KVM. */
#include "vmm/kvm/vcpu_x86.h"

#include "tests/support/small_guest.h"

TestSuite(vcpu_x86, .timeout = 15);

#define MAX_CPUS 8

static struct kvm kvm;
static struct bus bus;
static struct vcpu vcpus[MAX_CPUS];

static const struct boot_entry entry = {
	.rip = 0x100200,
	.rsi = 0x7000,
	.rsp = 0x6ff0,
	.cr3 = 0x9000,
	.gdt_base = 0x8000,
	.gdt_limit = 31,
	.code_selector = 0x10,
	.data_selector = 0x18,
};

static void start(unsigned n)
{
	const struct cpuid_x86 cpuid = { { 1, n, 1 }, false };
	struct error err = { 0 };

	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&kvm, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < n; i++)
		check_eq(vcpu_init(&vcpus[i], i, i, &kvm, &bus, &bus, &small_guest_vcpu_ops, &err),
			 0, "%s", err.text);
	check_eq(vcpu_x86_setup(vcpus, n, &cpuid, &kvm, &err), 0, "%s", err.text);
	check_eq(vcpu_x86_enter(&vcpus[0], &entry, &err), 0, "%s", err.text);
}

static void free_vcpus(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		vcpu_fini(&vcpus[i]);
	kvm_close(&kvm);
}

Test(vcpu_x86, first_vcpu_starts_at_the_entry)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	start(2);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_REGS, &regs), 0);
	check_eq(regs.rip, entry.rip);
	check_eq(regs.rsi, entry.rsi);
	check_eq(regs.rsp, entry.rsp);
	check_eq(regs.rflags, 2);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_SREGS, &sregs), 0);
	check_eq(sregs.cr0 & 0x80000001, 0x80000001);
	check_eq(sregs.cr3, entry.cr3);
	check_eq(sregs.cr4 & 0x20, 0x20);
	check_eq(sregs.efer & 0x500, 0x500);
	check_eq(sregs.cs.selector, 0x10);
	check_eq(sregs.cs.l, 1);
	check_eq(sregs.cs.db, 0);
	check_eq(sregs.ds.selector, 0x18);
	check_eq(sregs.ss.selector, 0x18);
	check_eq(sregs.gdt.base, 0x8000);
	check_eq(sregs.gdt.limit, 31);
	free_vcpus(2);
}

Test(vcpu_x86, other_vcpus_wait)
{
	struct kvm_mp_state state;

	start(2);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_MP_STATE, &state), 0);
	check_eq(state.mp_state, KVM_MP_STATE_RUNNABLE);
	check_eq(ioctl(vcpus[1].fd, KVM_GET_MP_STATE, &state), 0);
	check_eq(state.mp_state, KVM_MP_STATE_UNINITIALIZED);
	free_vcpus(2);
}

/* Write-back for what no table names, such as pmem: otherwise a guest maps it uncached. */
Test(vcpu_x86, mtrr_default_is_write_back)
{
	static union {
		struct kvm_msrs list;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} msrs;

	start(2);
	for (unsigned i = 0; i < 2; i++) {
		msrs.list.nmsrs = 1;
		msrs.list.entries[0].index = 0x2ff;
		check_eq(ioctl(vcpus[i].fd, KVM_GET_MSRS, &msrs), 1);
		check_eq(msrs.list.entries[0].data & 0x8ff, 0x806);
	}
	free_vcpus(2);
}

Test(vcpu_x86, local_apic_is_as_firmware_leaves_it)
{
	struct kvm_lapic_state lapic;
	uint32_t lint[2];

	start(1);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(&lint[0], lapic.regs + 0x350, 4);
	memcpy(&lint[1], lapic.regs + 0x360, 4);
	check_eq(lint[0] & 0x700, 0x700, "ExtINT");
	check_eq(lint[1] & 0x700, 0x400, "NMI");
	free_vcpus(1);
}
