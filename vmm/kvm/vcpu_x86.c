// SPDX-License-Identifier: Apache-2.0
/* CPUID, MSRs and registers of an x86-64 vCPU. Leaves and bits: Intel SDM and AMD APM, volume 3. */
#include "vmm/kvm/vcpu_x86.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define CPUID_MAX_ENTRIES 128

#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_1_EDX_HTT (1u << 28)
#define CPUID_6_EAX_ARAT (1u << 2)
#define TOPOLOGY_LEVEL_SMT 1
#define TOPOLOGY_LEVEL_CORE 2

#define CR0_PE 0x1ULL
#define CR0_ET 0x10ULL
#define CR0_PG 0x80000000ULL
#define CR4_PAE 0x20ULL
#define RFLAGS_TF 0x100ULL
#define RFLAGS_IF 0x200ULL
#define EFER_LME 0x100ULL
#define EFER_LMA 0x400ULL

#define MSR_IA32_MISC_ENABLE 0x1a0
#define MISC_ENABLE_FAST_STRING 1
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLED_WRITE_BACK 0x806 /* else a guest maps what is in no e820 entry uncached */

#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_MODE_EXTINT 0x700
#define APIC_MODE_NMI 0x400

/* Lists of KVM's end in an array without a length; these have room for one. */
union cpuid {
	struct kvm_cpuid2 list;
	uint8_t room[sizeof(struct kvm_cpuid2) +
		     CPUID_MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
};

#define N_MSRS 2

union msrs {
	struct kvm_msrs list;
	uint8_t room[sizeof(struct kvm_msrs) + N_MSRS * sizeof(struct kvm_msr_entry)];
};

static int get_supported_cpuid(const struct kvm *kvm, union cpuid *cpuid, struct error *err)
{
	cpuid->list.nent = CPUID_MAX_ENTRIES;
	if (ioctl(kvm->dev_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		return error_set(err, errno, "KVM: cannot read the supported CPUID: %s",
				 strerror(errno));
	return 0;
}

/* log2 of the APIC id space for @n cores. */
static unsigned id_bits(unsigned n)
{
	return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

/* Leaves 0xb and 0x1f: one thread a core, @n cores. */
static void set_topology_level(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n)
{
	e->eax = e->ebx = 0;
	e->ecx = e->index;
	e->edx = id;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= TOPOLOGY_LEVEL_SMT << 8;
	} else if (e->index == 1) {
		e->eax = id_bits(n);
		e->ebx = n;
		e->ecx |= TOPOLOGY_LEVEL_CORE << 8;
	}
}

static void adjust_leaf(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n, bool tsc_deadline)
{
	switch (e->function) {
	case 0x1:
		e->ebx = (e->ebx & 0xffff) | n << 16 | id << 24;
		e->ecx |= CPUID_1_ECX_HYPERVISOR;
		if (tsc_deadline)
			e->ecx |= CPUID_1_ECX_TSC_DEADLINE;
		e->edx = n > 1 ? e->edx | CPUID_1_EDX_HTT : e->edx & ~CPUID_1_EDX_HTT;
		break;
	case 0x4: /* caches: the last level is shared by all, the others belong to a core */
		e->eax &= 0x3fff;
		if (e->eax & 0x1f)
			e->eax |= ((1u << id_bits(n)) - 1) << 26 |
				  ((e->eax >> 5 & 7) >= 3 ? n - 1 : 0) << 14;
		break;
	case 0x6:
		e->eax |= CPUID_6_EAX_ARAT;
		break;
	case 0xb:
	case 0x1f:
		set_topology_level(e, id, n);
		break;
	case KVM_CPUID_FEATURES:
		/* Of a page that never comes the guest would wait for ever: see
		 * vcpu_x86_insist. */
		e->eax &= ~(1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_ASYNC_PF_VMEXIT |
			    1u << KVM_FEATURE_ASYNC_PF_INT);
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~0xf0ffu) | id_bits(n) << 12 | (n - 1);
		break;
	case 0x8000001e:
		e->eax = id;
		e->ebx = id; /* core id, one thread in it */
		e->ecx = 0;
		break;
	}
}

static int set_cpuid(struct vcpu *vcpu, const union cpuid *supported, unsigned n, bool tsc_deadline,
		     struct error *err)
{
	union cpuid cpuid = *supported;

	for (unsigned i = 0; i < cpuid.list.nent; i++)
		adjust_leaf(&cpuid.list.entries[i], vcpu->id, n, tsc_deadline);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid) < 0)
		return error_set(err, errno, "KVM: vCPU %u: CPUID: %s", vcpu->id, strerror(errno));
	return 0;
}

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

/* What firmware leaves behind: the 8259's interrupts come in on LINT0, NMIs on LINT1. */
static int set_lapic(struct vcpu *vcpu, struct error *err)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic) < 0)
		return error_set(err, errno, "KVM: vCPU %u: local APIC: %s", vcpu->id,
				 strerror(errno));
	*lapic_register(&lapic, APIC_LVT_LINT0) = APIC_MODE_EXTINT;
	*lapic_register(&lapic, APIC_LVT_LINT1) = APIC_MODE_NMI;
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) < 0)
		return error_set(err, errno, "KVM: vCPU %u: local APIC: %s", vcpu->id,
				 strerror(errno));
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
		return error_set(err, errno, "KVM: vCPU %u: registers: %s", vcpu->id,
				 strerror(errno));
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt = (struct kvm_dtable){ .base = entry->gdt_base, .limit = entry->gdt_limit };
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = entry->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return error_set(err, errno, "KVM: vCPU %u: registers: %s", vcpu->id,
				 strerror(errno));
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
		return error_set(err, errno, "KVM: vCPU %u: registers: %s", vcpu->id,
				 strerror(errno));
	return set_lapic(vcpu, err);
}

int vcpu_x86_setup(struct vcpu *vcpus, unsigned n, const struct kvm *kvm, struct error *err)
{
	bool tsc_deadline = ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	union cpuid supported;
	int ret = get_supported_cpuid(kvm, &supported, err);

	for (unsigned i = 0; i < n && ret == 0; i++) {
		ret = set_cpuid(&vcpus[i], &supported, n, tsc_deadline, err);
		if (ret == 0)
			ret = set_msrs(&vcpus[i], err);
	}
	return ret;
}

bool vcpu_x86_stands_still(struct vcpu *vcpu)
{
	struct kvm_regs regs;
	bool same;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
		return false;
	same = memcmp(&regs, &vcpu->seen, sizeof(regs)) == 0;
	vcpu->seen = regs;
	return same;
}

/* Not one that halts, and with nothing on its way into the guest. */
static bool can_mask_interrupts(const struct vcpu *vcpu, const struct kvm_regs *regs)
{
	struct kvm_vcpu_events events;
	struct kvm_mp_state state;

	return (regs->rflags & RFLAGS_IF) && !(regs->rflags & RFLAGS_TF) &&
	       ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) == 0 &&
	       state.mp_state == KVM_MP_STATE_RUNNABLE &&
	       ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0 && !events.exception.injected &&
	       !events.interrupt.injected && !events.nmi.injected;
}

static void set_interrupts(const struct vcpu *vcpu, bool on)
{
	struct kvm_guest_debug step = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	struct kvm_regs regs;

	if (on)
		step.control = 0;
	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	regs.rflags = on ? regs.rflags | RFLAGS_IF : regs.rflags & ~RFLAGS_IF;
	ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &step);
}

/*
 * A page that is not at hand KVM fetches asynchronously, while the vCPU sleeps. If that fails, it
 * just tries once more, and again. Where the guest could not take an interrupt it fetches a page at
 * once, and tells a failure: so the instruction runs with interrupts off, and alone.
 */
int vcpu_x86_insist(struct vcpu *vcpu)
{
	struct kvm_regs regs;
	int ret, code;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 || !can_mask_interrupts(vcpu, &regs))
		return 1;
	set_interrupts(vcpu, false);
	ret = ioctl(vcpu->fd, KVM_RUN, 0);
	code = errno;
	set_interrupts(vcpu, true);
	errno = code;
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
