// SPDX-License-Identifier: Apache-2.0
/* The state in which vCPUs start, read back from KVM. */
#include "vmm/kvm/vcpu_x86.h"

#include "tests/support/small_guest.h"

#include <asm/kvm_para.h>

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
	struct error err = { 0 };

	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&kvm, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < n; i++)
		check_eq(vcpu_init(&vcpus[i], i, &kvm, &bus, &bus, &small_guest_vcpu_ops, &err), 0,
			 "%s", err.text);
	check_eq(vcpu_x86_setup(vcpus, n, &kvm, &err), 0, "%s", err.text);
	check_eq(vcpu_x86_enter(&vcpus[0], &entry, &err), 0, "%s", err.text);
}

static void end(unsigned n)
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
	end(2);
}

Test(vcpu_x86, other_vcpus_wait)
{
	struct kvm_mp_state state;

	start(2);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_MP_STATE, &state), 0);
	check_eq(state.mp_state, KVM_MP_STATE_RUNNABLE);
	check_eq(ioctl(vcpus[1].fd, KVM_GET_MP_STATE, &state), 0);
	check_eq(state.mp_state, KVM_MP_STATE_UNINITIALIZED);
	end(2);
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
	end(2);
}

#define MAX_LEAVES 200

static union {
	struct kvm_cpuid2 list;
	uint8_t room[sizeof(struct kvm_cpuid2) + MAX_LEAVES * sizeof(struct kvm_cpuid_entry2)];
} cpuid;

static const struct kvm_cpuid_entry2 *leaf(const struct vcpu *vcpu, uint32_t function,
					   uint32_t index)
{
	cpuid.list.nent = MAX_LEAVES;
	check_eq(ioctl(vcpu->fd, KVM_GET_CPUID2, &cpuid), 0);
	for (unsigned i = 0; i < cpuid.list.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid.list.entries[i];

		if (e->function == function && e->index == index)
			return e;
	}
	return NULL;
}

Test(vcpu_x86, topology)
{
	static const struct {
		unsigned cpus, bits;
	} cases[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 8, 3 } };

	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		unsigned n = cases[c].cpus;

		start(n);
		for (unsigned i = 0; i < n; i++) {
			const struct kvm_cpuid_entry2 *e = leaf(&vcpus[i], 1, 0);

			cr_assert(e);
			check_eq(e->ebx >> 24, i, "APIC id");
			check_eq(e->ebx >> 16 & 0xff, n);
			check_eq(e->ecx >> 31, 1, "there is a hypervisor");
			/* With one there is no sibling to tell of; some KVMs set the bit all the
			 * same. */
			if (n > 1)
				check_eq(e->edx >> 28 & 1, 1, "HTT");
			e = leaf(&vcpus[i], 0xb, 1);
			if (e) {
				check_eq(e->eax, cases[c].bits);
				check_eq(e->ebx, n);
				check_eq(e->edx, i, "x2APIC id");
			}
			e = leaf(&vcpus[i], 0xb, 0);
			if (e) {
				check_eq(e->eax, 0, "one thread a core");
				check_eq(e->ebx, 1);
			}
		}
		end(n);
	}
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
	end(1);
}

static struct kvm_regs registers(void)
{
	struct kvm_regs regs;

	check_eq(ioctl(vcpus[0].fd, KVM_GET_REGS, &regs), 0);
	return regs;
}

static void set_rflags(uint64_t rflags)
{
	struct kvm_regs regs = registers();

	regs.rflags = rflags;
	check_eq(ioctl(vcpus[0].fd, KVM_SET_REGS, &regs), 0);
}

Test(vcpu_x86, stands_still)
{
	start(1);
	check_eq(vcpu_x86_stands_still(&vcpus[0]), false, "nobody knows yet");
	check_eq(vcpu_x86_stands_still(&vcpus[0]), true);
	set_rflags(0x3);
	check_eq(vcpu_x86_stands_still(&vcpus[0]), false);
	check_eq(vcpu_x86_stands_still(&vcpus[0]), true);
	end(1);
}

Test(vcpu_x86, insists_only_where_interrupts_can_be_masked)
{
	struct kvm_mp_state halted = { KVM_MP_STATE_HALTED };

	start(1);
	check_eq(vcpu_x86_insist(&vcpus[0]), 1, "they are off");
	set_rflags(0x302);
	check_eq(vcpu_x86_insist(&vcpus[0]), 1, "the guest steps by itself");
	set_rflags(0x202);
	check_eq(ioctl(vcpus[0].fd, KVM_SET_MP_STATE, &halted), 0);
	check_eq(vcpu_x86_insist(&vcpus[0]), 1, "nobody would wake it");
	check_eq(registers().rip, entry.rip);
	end(1);
}

/* One instruction, after which everything is as it was. */
Test(vcpu_x86, insists_on_one_instruction)
{
	static const uint8_t code[] = { 0x40, 0x43, 0xf4 }; /* inc eax, inc ebx, hlt */
	static struct small_guest guest;

	small_guest_init(&guest, code, sizeof(code));
	vcpus[0] = guest.vcpu;
	set_rflags(0x202);
	check_eq(vcpu_x86_insist(&vcpus[0]), 0);
	check_eq(guest.vcpu.run->exit_reason, KVM_EXIT_DEBUG);
	check_eq(registers().rip, SMALL_GUEST_CODE + 1);
	check_eq(registers().rflags & 0x300, 0x200);
	check_eq(vcpu_x86_insist(&vcpus[0]), 0);
	check_eq(registers().rip, SMALL_GUEST_CODE + 2);
	small_guest_fini(&guest);
}

/* A guest that is told of such pages would wait for those that never come. */
Test(vcpu_x86, no_asynchronous_page_faults)
{
	union {
		struct kvm_cpuid2 list;
		uint8_t room[16384];
	} features = { .list.nent = 128 };
	unsigned seen = 0;

	start(1);
	check_eq(ioctl(vcpus[0].fd, KVM_GET_CPUID2, &features), 0);
	for (unsigned i = 0; i < features.list.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &features.list.entries[i];

		if (e->function != KVM_CPUID_FEATURES)
			continue;
		seen++;
		check_eq(e->eax & (1u << 4 | 1u << 10 | 1u << 14), 0);
		check_eq(e->eax >> KVM_FEATURE_CLOCKSOURCE2 & 1, 1, "others stay");
	}
	check_eq(seen, 1);
	end(1);
}
