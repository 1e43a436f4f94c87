// SPDX-License-Identifier: Apache-2.0
/* MSRs and registers of an x86-64 vCPU. Bits: Intel SDM and AMD APM. */
#include "vmm/kvm/vcpu_x86.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define CR0_PE 0x1ULL
#define CR0_ET 0x10ULL
#define CR0_PG 0x80000000ULL
#define CR4_PAE 0x20ULL
#define RFLAGS_IF 0x200ULL
#define EFER_LME 0x100ULL
#define EFER_LMA 0x400ULL

#define MSR_IA32_MISC_ENABLE 0x1a0
#define MISC_ENABLE_FAST_STRING 1
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLED_WRITE_BACK 0x806 /* otherwise guests map what no e820 entry has uncached */

#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_MODE_EXTINT 0x700
#define APIC_MODE_NMI 0x400

#define N_MSRS 2

/* KVM's list ends in an array without a length; this one has room for one entry. */
union msrs {
	struct kvm_msrs list;
	uint8_t room[sizeof(struct kvm_msrs) + N_MSRS * sizeof(struct kvm_msr_entry)];
};

static int set_msrs(struct vcpu *vcpu, struct error *err)
{
	union msrs msrs = { .list.nmsrs = N_MSRS };

	msrs.list.entries[0] = (struct kvm_msr_entry){
		.index = MSR_IA32_MISC_ENABLE,
		.data = MISC_ENABLE_FAST_STRING,
	};
	msrs.list.entries[1] = (struct kvm_msr_entry){
		.index = MSR_MTRR_DEF_TYPE,
		.data = MTRR_ENABLED_WRITE_BACK,
	};
	if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) != N_MSRS)
		return error_set(err, EIO, "KVM: vCPU %u: cannot set its MSRs", vcpu->id);
	return 0;
}

static uint32_t *lapic_register(struct kvm_lapic_state *lapic, unsigned offset)
{
	return (uint32_t *)(lapic->regs + offset);
}

/* As firmware leaves it: the 8259's interrupts come in on LINT0, NMIs on LINT1. */
static int set_lapic(struct vcpu *vcpu, struct error *err)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic) < 0)
		return error_system(err, errno, "KVM: vCPU %u: local APIC", vcpu->id);
	*lapic_register(&lapic, APIC_LVT_LINT0) = APIC_MODE_EXTINT;
	*lapic_register(&lapic, APIC_LVT_LINT1) = APIC_MODE_NMI;
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) < 0)
		return error_system(err, errno, "KVM: vCPU %u: local APIC", vcpu->id);
	return 0;
}

static int set_sregs(struct vcpu *vcpu, const struct boot_entry *entry, struct error *err)
{
	struct kvm_segment code = {
		.selector = entry->code_selector,
		.limit = 0xffffffff,
		.type = 0xb, /* execute, read, accessed */
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_segment data = {
		.selector = entry->data_selector,
		.limit = 0xffffffff,
		.type = 0x3, /* read, write, accessed */
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return error_system(err, errno, "KVM: vCPU %u: registers", vcpu->id);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt = (struct kvm_dtable){ .base = entry->gdt_base, .limit = entry->gdt_limit };
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = entry->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return error_system(err, errno, "KVM: vCPU %u: registers", vcpu->id);
	return 0;
}

int vcpu_x86_enter(struct vcpu *vcpu, const struct boot_entry *entry, struct error *err)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->rsi,
		.rsp = entry->rsp,
		.rflags = 2, /* always set; interrupts off */
	};
	int ret = set_sregs(vcpu, entry, err);

	if (ret < 0)
		return ret;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return error_system(err, errno, "KVM: vCPU %u: registers", vcpu->id);
	return set_lapic(vcpu, err);
}

int vcpu_x86_setup(struct vcpu *vcpus, unsigned n, const struct cpuid_x86 *cpuid,
		   const struct kvm *kvm, struct error *err)
{
	int ret = cpuid_x86_setup(vcpus, n, cpuid, kvm, err);

	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = set_msrs(&vcpus[i], err);
	return ret;
}

int vcpu_x86_place(const struct vcpu *vcpu, struct vcpu_x86_place *ret_place)
{
	struct kvm_mp_state state;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0)
		return -errno;
	*ret_place = (struct vcpu_x86_place){
		.rip = regs.rip,
		.started = state.mp_state == KVM_MP_STATE_RUNNABLE ||
			   state.mp_state == KVM_MP_STATE_HALTED,
		.halted = state.mp_state == KVM_MP_STATE_HALTED,
		.interrupts_on = regs.rflags & RFLAGS_IF,
	};
	return 0;
}
